"""permessage-deflate (RFC 7692): negotiate it, compress, and inflate within limits.

    PerMessageDeflate   what one end wants; offers, responds, accepts
    Deflate             what both ends agreed on, for one connection

``_inflater`` inflates the messages of the other end.
"""

from __future__ import annotations

import zlib
from _thread import RLock
from functools import partial

from . import _extension_header
from ._arguments import integer, integer_or_none, is_server
from ._backend import encode_utf8
from ._buffers import payload_bytes
from ._inflater import TAIL, Inflater, not_bytes
from ._record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal

    from typing_extensions import Buffer

    from ._extension_header import _Parameters

NAME = "permessage-deflate"
_EMPTY = b"\x00"  # the message without bytes (section 7.2.3.6)

_ENGINES = ("zlib", "isal", "zlib-ng")  # all have the interface of zlib


class DeflateParameters(Record):
    """The parameters that both ends negotiated (RFC 7692 section 7.1).

    Attributes:
        server_no_context_takeover: whether the server compresses each message by itself.
        client_no_context_takeover: whether the client does.
        server_max_window_bits: the server compresses with a window of 2**bits bytes, 8 to
            15 bits.
        client_max_window_bits: the same for the client.
    """

    __slots__ = __match_args__ = (
        "server_no_context_takeover",
        "client_no_context_takeover",
        "server_max_window_bits",
        "client_max_window_bits",
    )

    server_no_context_takeover: bool
    client_no_context_takeover: bool
    server_max_window_bits: int
    client_max_window_bits: int

    def __init__(
        self,
        server_no_context_takeover: bool = False,
        client_no_context_takeover: bool = False,
        server_max_window_bits: int = 15,
        client_max_window_bits: int = 15,
    ) -> None:
        put = partial(object.__setattr__, self)
        put("server_no_context_takeover", bool(server_no_context_takeover))
        put("client_no_context_takeover", bool(client_no_context_takeover))
        put(
            "server_max_window_bits", _window_bits("server_max_window_bits", server_max_window_bits)
        )
        put(
            "client_max_window_bits", _window_bits("client_max_window_bits", client_max_window_bits)
        )


def _window_bits(name: str, value: int) -> int:
    value = integer(name, value)
    if not 8 <= value <= 15:
        raise ValueError(f"{name} must be from 8 to 15, not {value}")
    return value


def _window_bits_or_none(name: str, value: int | None) -> int | None:
    number = integer_or_none(name, value)
    return None if number is None else _window_bits(name, number)


def _engine(name: str) -> Any:
    """Return the module that compresses and inflates."""
    if not isinstance(name, str) or name not in _ENGINES:
        known = ", ".join(map(repr, _ENGINES))
        raise ValueError(f"engine must be one of {known}, not {name!r}")
    # Each has its own import statement, so that PyInstaller and the like find it.
    try:
        if name == "isal":
            import isal.isal_zlib

            return isal.isal_zlib
        if name == "zlib-ng":
            import zlib_ng.zlib_ng

            return zlib_ng.zlib_ng
    except ModuleNotFoundError as error:
        if error.name not in ("isal", "isal.isal_zlib", "zlib_ng", "zlib_ng.zlib_ng"):
            raise
        raise ModuleNotFoundError(
            f"engine {name!r} is not installed: pip install 'wsfast[deflate]'", name=error.name
        ) from None
    return zlib


def _parameters(value: DeflateParameters | None) -> DeflateParameters:
    if value is None:
        return DeflateParameters()
    if not isinstance(value, DeflateParameters):
        raise TypeError(f"parameters must be DeflateParameters or None, not {type(value).__name__}")
    return value


def _threshold(value: int) -> int:
    value = integer("threshold", value)
    if value < 0:
        raise ValueError(f"threshold must not be negative, but is {value}")
    return value


class Deflate:
    """The compression of one connection, as negotiated (RFC 7692).

    ``PerMessageDeflate`` makes one from the handshake.  Pass it to the decoder,
    ``MessageDecoder(role, deflate=...)``, and use its ``compress`` to send; or pass it to
    ``Connection``, which does both.

    Threads may share it: they take turns.  Send messages in the order in which they were
    compressed, as ``Connection`` does.

    Args:
        role: ``"server"`` or ``"client"``: which end this is.
        parameters: what was negotiated.
        level: 0 to 9, with isal 0 to 3; ``None`` for the engine's default.
        mem_level: 1 to 9; ``None`` for the engine's default.
        threshold: payloads with fewer bytes are not compressed.
        engine: ``"zlib"``; or ``"isal"`` or ``"zlib-ng"``, if installed.

    Raises:
        TypeError, ValueError: an argument has the wrong type or value.
        ModuleNotFoundError: the engine is not installed.
    """

    __slots__ = (
        "_busy",
        "_compressing",
        "_compressor",
        "_engine",
        "_lock",
        "_make",
        "_takes_over",
        "parameters",
        "role",
        "threshold",
    )

    def __init__(
        self,
        role: Literal["server", "client"],
        parameters: DeflateParameters | None = None,
        *,
        level: int | None = None,
        mem_level: int | None = None,
        threshold: int = 32,
        engine: str = "zlib",
    ) -> None:
        server = is_server(role)
        self.role = role
        level, mem_level = integer_or_none("level", level), integer_or_none("mem_level", mem_level)
        if level is not None and level < 0:  # zlib would take -1 for its default
            raise ValueError(f"level must not be negative, but is {level}")
        self._lock = RLock()
        self._busy = False
        self.parameters = parameters = _parameters(parameters)
        self.threshold = _threshold(threshold)
        self._engine = self._compressing = module = _engine(engine)
        self._takes_over = not (
            parameters.server_no_context_takeover
            if server
            else parameters.client_no_context_takeover
        )
        bits = parameters.server_max_window_bits if server else parameters.client_max_window_bits
        if bits == 8:
            # No engine supports raw deflate with 8 bits.  With 9, zlib refers back 512 - 262
            # bytes at most, which fits into a window of 256; the others use the whole window.
            self._compressing = module = zlib
        self._make: Callable[[], Any] = partial(
            module.compressobj,
            level=module.Z_DEFAULT_COMPRESSION if level is None else level,
            wbits=-max(bits, 9),
            memLevel=module.DEF_MEM_LEVEL if mem_level is None else mem_level,
        )
        self._compressor: Any = self._first_compressor(engine, level, mem_level)

    def _first_compressor(self, engine: str, level: int | None, mem_level: int | None) -> Any:
        """Create the compressor eagerly, so that an unsupported level raises here."""
        try:
            return self._make()
        except (ValueError, OverflowError):
            raise ValueError(
                f"engine {engine!r} refuses level={level}, mem_level={mem_level}"
            ) from None

    def compress(self, payload: Buffer | str) -> bytes | None:
        """Return the payload of a compressed message, to be sent with RSV1 (section 7.2.1).

        Args:
            payload: the whole message: any C-contiguous buffer, or a ``str``, which is
                sent as UTF-8.

        Returns:
            The compressed bytes; ``None`` if you should send the message uncompressed,
            because it is below the threshold or would not get shorter.

        Raises:
            TypeError: the payload is neither.
            ValueError: it is not C-contiguous.
            UnicodeEncodeError: the text has a lone surrogate.
        """
        data = encode_utf8(payload) if isinstance(payload, str) else payload_bytes(payload)
        if len(data) < self.threshold:
            return None
        with self._lock:
            if self._busy:
                raise RuntimeError("the Deflate is in use: it was called from inside its own call")
            self._busy = True
            try:
                compressed = self._compress(data)
            finally:
                self._busy = False
            return compressed

    def forget(self) -> None:
        """Compress the next message without a reference to those before it.

        Call it if a message that was compressed is not sent after all, or if an exception such
        as ``KeyboardInterrupt`` interrupted ``compress``: the other end never has that
        message, and would make something else of a later one that refers to it.
        """
        with self._lock:
            self._compressor = None

    def _compress(self, data: bytes) -> bytes | None:
        compressor = self._compressor or self._make()
        self._compressor = None  # if this raises, it has a part of this message in its window
        compressed = compressor.compress(data) + compressor.flush(self._compressing.Z_SYNC_FLUSH)
        if type(compressed) is not bytes:
            raise not_bytes(compressor, compressed)
        if self._takes_over:  # the bytes are in the window now, so they must be sent
            self._compressor = compressor
            return compressed[:-4] if compressed.endswith(TAIL) else _EMPTY
        return compressed[:-4] if len(compressed) - 4 < len(data) else None

    def inflater_for(self, role: str) -> Inflater:
        """Return the inflater for the messages that a decoder of ``role`` receives.

        Raises:
            ValueError: the decoder belongs to the other end.
        """
        if role != self.role:
            raise ValueError(f"deflate is for the {self.role}'s end, but role is {role!r}")
        return self.inflater()

    def inflater(self) -> Inflater:
        """Return the inflater for the messages of the other end."""
        agreed = self.parameters
        alone = (
            agreed.client_no_context_takeover
            if self.role == "server"
            else agreed.server_no_context_takeover
        )
        return Inflater(self._engine, takes_over=not alone)


class PerMessageDeflate:
    """One end of the negotiation of permessage-deflate (RFC 7692).

    A client sends ``offer()``, and passes the server's answer to ``accept``.  A server passes
    the client's offer to ``respond``.

    Args:
        role: ``"server"`` or ``"client"``: which end this is.
        server_no_context_takeover: whether the server should compress each message by
            itself: less memory between messages, but less compression.
        client_no_context_takeover: the same for the client.
        server_max_window_bits: the server should compress with a window of at most 2**bits
            bytes, 8 to 15 bits; ``None`` for no limit.
        client_max_window_bits: the same for the client.
        level, mem_level, threshold, engine: as in ``Deflate``.

    Raises:
        TypeError, ValueError, ModuleNotFoundError: as ``Deflate`` does.
    """

    def __init__(
        self,
        role: Literal["server", "client"],
        *,
        server_no_context_takeover: bool = False,
        client_no_context_takeover: bool = False,
        server_max_window_bits: int | None = None,
        client_max_window_bits: int | None = None,
        level: int | None = None,
        mem_level: int | None = None,
        threshold: int = 32,
        engine: str = "zlib",
    ) -> None:
        self._make = partial(
            Deflate, role, level=level, mem_level=mem_level, threshold=threshold, engine=engine
        )
        self._make()  # so that a wrong argument raises now, not at the first connection
        self.role = role
        self._server_alone = server_no_context_takeover
        self._client_alone = client_no_context_takeover
        self._server_bits = _window_bits_or_none("server_max_window_bits", server_max_window_bits)
        self._client_bits = _window_bits_or_none("client_max_window_bits", client_max_window_bits)

    def offer(self) -> str:
        """Return the client's value for Sec-WebSocket-Extensions (section 7.1).

        Raises:
            ValueError: this is the server's end.
        """
        self._must_be("client", "offer()")
        parameters: _Parameters = []
        if self._server_alone:
            parameters.append(("server_no_context_takeover", None))
        if self._client_alone:
            parameters.append(("client_no_context_takeover", None))
        if self._server_bits is not None:
            parameters.append(("server_max_window_bits", str(self._server_bits)))
        bits = None if self._client_bits is None else str(self._client_bits)
        parameters.append(("client_max_window_bits", bits))
        return _extension_header.write(NAME, parameters)

    def respond(self, header: str) -> tuple[str, Deflate] | None:
        """Accept the first acceptable offer of a client (sections 5.1 and 7.1).

        Args:
            header: the value of the client's Sec-WebSocket-Extensions; join several such
                headers with commas.

        Returns:
            The value of the server's Sec-WebSocket-Extensions, and the ``Deflate`` for the
            connection; ``None`` if no offer of permessage-deflate is acceptable.

        Raises:
            ValueError: the header is malformed, or this is the client's end.
        """
        self._must_be("server", "respond()")
        for name, parameters in _extension_header.parse(header):
            if name == NAME:
                try:
                    offered = _values(parameters, offer=True)
                except ValueError:
                    continue  # such an offer must be declined (section 7.1)
                return self._taken(offered)
        return None

    def _taken(self, offered: dict[str, int]) -> tuple[str, Deflate]:
        agreed = DeflateParameters(
            self._server_alone or "server_no_context_takeover" in offered,
            self._client_alone or "client_no_context_takeover" in offered,
            min(self._server_bits or 15, offered.get("server_max_window_bits", 15)),
            # A client that did not offer this may not support it (section 7.1.2.2).
            min(self._client_bits or 15, offered["client_max_window_bits"])
            if "client_max_window_bits" in offered
            else 15,
        )
        parameters: _Parameters = []
        for name in DeflateParameters.__match_args__[:2]:
            if getattr(agreed, name):
                parameters.append((name, None))
        for name in DeflateParameters.__match_args__[2:]:
            bits = getattr(agreed, name)
            if bits != 15 or (name in offered and name.startswith("server")):
                parameters.append((name, str(bits)))
        return _extension_header.write(NAME, parameters), self._make(agreed)

    def accept(self, header: str | None) -> Deflate | None:
        """Accept the server's answer to ``offer()`` (sections 5.1 and 7.1).

        Args:
            header: the value of the server's Sec-WebSocket-Extensions, ``None`` or ``""``
                if there is none.

        Returns:
            The ``Deflate`` for the connection; ``None`` if the server declined.

        Raises:
            ValueError: the answer is malformed or does not fit the offer, so the connection
                must be closed; or this is the server's end.
        """
        self._must_be("client", "accept()")
        answer = _extension_header.parse(header or "")
        if not answer:
            return None
        (name, parameters), *others = answer
        if name != NAME or others:
            wrong = name if name != NAME else others[0][0]
            raise ValueError(f"the server chose an extension that was not offered: {wrong}")
        chosen = _values(parameters, offer=False)
        if self._server_alone and "server_no_context_takeover" not in chosen:
            raise ValueError("the server did not agree on server_no_context_takeover")
        agreed = DeflateParameters(
            "server_no_context_takeover" in chosen,
            self._client_alone or "client_no_context_takeover" in chosen,
            self._within("server_max_window_bits", self._server_bits, chosen),
            self._within("client_max_window_bits", self._client_bits, chosen),
        )
        return self._make(agreed)

    def _must_be(self, role: str, what: str) -> None:
        if self.role != role:
            raise ValueError(f"{what} is for the {role}'s end, but role is {self.role!r}")

    @staticmethod
    def _within(name: str, wanted: int | None, chosen: dict[str, int]) -> int:
        if name not in chosen:
            if wanted not in (None, 15) and name.startswith("server"):  # absent means 15
                raise ValueError(f"the server did not agree on {name}={wanted}")
            return wanted or 15
        if chosen[name] > (wanted or 15):
            raise ValueError(f"the server chose {name}={chosen[name]}, but {wanted} was offered")
        return chosen[name]


def _values(parameters: _Parameters, *, offer: bool) -> dict[str, int]:
    """Return the parameters of an offer, or else of an answer (section 7.1).

    Raises:
        ValueError: a parameter is unknown, appears twice or has an invalid value.
    """
    found: dict[str, int] = {}
    for name, value in parameters:
        if name not in DeflateParameters.__match_args__:
            raise ValueError(f"{NAME} has no parameter {name!r}")
        if name in found:
            raise ValueError(f"{name} appears twice")
        if name.endswith("takeover"):
            if value is not None:
                raise ValueError(f"{name} takes no value, but has {value!r}")
            found[name] = 1
        elif value is None and offer and name == "client_max_window_bits":
            found[name] = 15  # the client supports any value (section 7.1.2.2)
        elif value in _WINDOW_BITS:
            found[name] = int(value)
        else:
            raise ValueError(f"{name} must be from 8 to 15, without leading zeros, not {value!r}")
    return found


_WINDOW_BITS = tuple(str(bits) for bits in range(8, 16))
