"""What the caller did wrong: checks of arguments and their wording, for both twins.

Invariant: every text of a ``TypeError`` or ``ValueError`` of ours is here, so the
twins can't differ.  What the *remote* did wrong is in ``errors``.
"""

from __future__ import annotations

from operator import index

from ._limits import MAX_OFFSET, MAX_REASON, RETAINED_SLACK, UNLIMITED
from .closecodes import CloseCode, may_be_sent
from .opcodes import Opcode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from ._inflater import Inflater
    from .deflate import Deflate

    _T = TypeVar("_T")

MOST_CLASSES = 8  # that one ClassState watches; a test compares classes.pxi
OPCODES = tuple(Opcode(i) if i in (0, 1, 2, 8, 9, 10) else None for i in range(16))


def not_a_buffer(name: str, value: object) -> TypeError:
    return TypeError(f"{name} must be a bytes-like object, not {type(value).__name__}")


def not_a_string(name: str, value: object) -> TypeError:
    return TypeError(f"{name} must be a str, not {type(value).__name__}")


def not_a_payload(name: str, value: object) -> TypeError:
    return TypeError(f"{name} must be a str or a bytes-like object, not {type(value).__name__}")


def not_contiguous(name: str) -> ValueError:
    return ValueError(f"{name} must be a C-contiguous buffer")


def read_only(name: str) -> TypeError:
    return TypeError(f"{name} must be a writable buffer")


def bad_key_length(size: int) -> ValueError:
    return ValueError(f"masking_key must be exactly 4 bytes, not {size}")


def not_an_integer(name: str, value: object) -> TypeError:
    return TypeError(f"{name} must be an integer, not {type(value).__name__}")


def not_an_integer_or_none(name: str, value: object) -> TypeError:
    return TypeError(f"{name} must be an integer or None, not {type(value).__name__}")


def integer(name: str, value: object) -> int:
    """Return the plain number, even of a subclass of int; refuse a bool."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise not_an_integer(name, value)
    return int.__index__(value)


def integer_or_none(name: str, value: object) -> int | None:
    """Return the same, or ``None``."""
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise not_an_integer_or_none(name, value)
    return int.__index__(value)


def check_classes(classes: tuple[object, ...]) -> None:
    """Check what a ``ClassState`` is to watch.

    Raises:
        TypeError: one of them is not a class.
        ValueError: there are too many, or none.
    """
    if not 1 <= len(classes) <= MOST_CLASSES:
        raise ValueError(f"one to {MOST_CLASSES} classes can be watched, not {len(classes)}")
    for watched in classes:
        if not isinstance(watched, type):
            raise TypeError(f"only classes can be watched, not {type(watched).__name__}")


def check_entropy(entropy: object, count: int) -> bytes:
    """Check that ``os.urandom(count)`` returned exactly ``count`` bytes, and return them."""
    if type(entropy) is not bytes:
        raise TypeError(f"os.urandom must return bytes, not {type(entropy).__name__}")
    if len(entropy) != count:
        raise RuntimeError(f"os.urandom({count}) returned {len(entropy)} bytes")
    return entropy


def check_offset(offset: object) -> int:
    """Return a payload offset, as ``apply_mask`` takes it."""
    if not hasattr(offset, "__index__") or isinstance(offset, bool):
        raise not_an_integer("offset", offset)
    value = int.__index__(index(offset))
    if not 0 <= value <= MAX_OFFSET:
        raise ValueError(f"offset must be from 0 to 2**63 - 1, not {value}")
    return value


def is_server(role: str) -> bool:
    """Return whether the decoder is the server's, which receives masked frames."""
    if role not in ("server", "client"):
        raise ValueError(f"role must be 'server' or 'client', not {role!r}")
    return role == "server"


def wants_str(text: str) -> bool:
    """Return whether to decode text messages to ``str``."""
    if text not in ("str", "bytes"):
        raise ValueError(f"text must be 'str' or 'bytes', not {text!r}")
    return text == "str"


def wants_views(payload: str) -> bool:
    """Return whether payloads of frames should be views of the input."""
    if payload not in ("bytes", "memoryview"):
        raise ValueError(f"payload must be 'bytes' or 'memoryview', not {payload!r}")
    return payload == "memoryview"


def not_a_frame(value: object) -> TypeError:
    return TypeError(
        f"frames must be Frame objects or pairs of opcode and payload, not {type(value).__name__}"
    )


def size_limit(name: str, limit: int | None) -> int:
    """Return a limit in bytes; ``None`` means the largest length that a header can have."""
    value = integer_or_none(name, limit)
    if value is None:
        return UNLIMITED
    if value < 0:
        raise ValueError(f"{name} must not be negative, but is {value}")
    return min(value, UNLIMITED)


def retained_limit(limit: int | None, message_size: int) -> int:
    """Return ``max_retained``; ``None`` allows any message within its own limit, however finely
    fragmented."""
    if limit is None:
        return min(2 * message_size + RETAINED_SLACK, UNLIMITED)
    return size_limit("max_retained", limit)


def allowed_reserved_bits(bits: int) -> int:
    """Return the RSV bits that may be set, as a mask for the first byte of a frame."""
    bits = integer("reserved_bits", bits)
    if bits & ~0x70:
        raise ValueError(f"reserved_bits must be a union of 0x40, 0x20 and 0x10, not {bits:#x}")
    return bits


def check_sizehint(sizehint: int) -> int:
    """Return the size of a receive buffer."""
    return min(max(integer("sizehint", sizehint), 2**16), 2**20)


def check_update(nbytes: int, size: int) -> int:
    """Return how much of a receive buffer of ``size`` bytes was filled."""
    nbytes = integer("nbytes", nbytes)
    if not 0 <= nbytes <= size:
        raise ValueError(f"nbytes must be from 0 to {size}, the size of get_buffer(), not {nbytes}")
    return nbytes


def decoder_busy() -> RuntimeError:
    return RuntimeError("the decoder is in use: it was called from inside its own call")


def decoder_failed(error: type[BaseException]) -> RuntimeError:
    return RuntimeError(
        f"the decoder can't go on: an earlier call was stopped by {error.__name__}, "
        "and what it was decoding is lost"
    )


def decoder_unmade() -> RuntimeError:
    return RuntimeError("the decoder was not initialized: its __init__ was not called")


def sink_busy() -> RuntimeError:
    return RuntimeError("the sink is in use: feed() was called from inside its own call")


def sink_failed(error: type[BaseException] | None) -> RuntimeError:
    by = "the library, which had failed" if error is None else error.__name__
    return RuntimeError(
        f"the sink can't go on: an earlier call was stopped by {by}, and the rest of what it was "
        "given is lost"
    )


def sink_disturbed() -> RuntimeError:
    return RuntimeError("something else has used the decoder of the sink")


def unmade(kind: type) -> RuntimeError:
    return RuntimeError(f"the {kind.__name__} is not made yet")


def new_inflater(deflate: Deflate | None, role: str) -> Inflater | None:
    """Return the inflater for compressed messages; ``None`` without compression."""
    if deflate is None:
        return None
    # Recognised by its method: importing Deflate would import zlib, and a higher layer.
    inflater_for = getattr(type(deflate), "inflater_for", None)
    if inflater_for is None:
        raise TypeError(f"deflate must be a Deflate or None, not {type(deflate).__name__}")
    inflater: Inflater = inflater_for(deflate, role)
    return inflater


class FrameRules:
    """The arguments of a ``FrameDecoder``, validated in this order."""

    __slots__ = ("masked", "max_frame_size", "reserved_bits", "wants_views")

    def __init__(
        self, role: str, max_frame_size: int | None, reserved_bits: int, payload: str
    ) -> None:
        self.reserved_bits = allowed_reserved_bits(reserved_bits)
        self.masked = is_server(role)
        self.max_frame_size = size_limit("max_frame_size", max_frame_size)
        self.wants_views = wants_views(payload)


class MessageRules:
    """The arguments of a ``MessageDecoder``, validated in this order."""

    __slots__ = (
        "inflater",
        "masked",
        "max_frame_size",
        "max_message_size",
        "max_retained",
        "wants_parts",
        "wants_str",
    )

    def __init__(
        self,
        role: str,
        text: str,
        max_message_size: int | None,
        max_frame_size: int | None,
        max_retained: int | None,
        deflate: Deflate | None,
        stream: bool,
    ) -> None:
        self.masked = is_server(role)
        self.max_frame_size = size_limit("max_frame_size", max_frame_size)
        self.wants_str = wants_str(text)
        self.max_message_size = size_limit("max_message_size", max_message_size)
        self.max_retained = retained_limit(max_retained, self.max_message_size)
        self.inflater = new_inflater(deflate, role)
        self.wants_parts = bool(stream)


def check_field(name: str, value: _T, kind: type | tuple[type, ...]) -> _T:
    """Return the value of a field of a record."""
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        wanted = " or ".join([k.__name__ for k in kinds])
        raise TypeError(f"{name} must be {wanted}, not {type(value).__name__}")
    return value


def plain_field(name: str, value: object, kind: type | tuple[type, ...]) -> Any:
    """Return the value of a field as exactly a ``str``, ``bytes``, or ``int``.

    A subclass could hold anything, even the record itself; a ``CloseCode`` doesn't.
    """
    check_field(name, value, kind)
    if type(value) in (str, bytes, int, CloseCode):
        return value
    if isinstance(value, int):
        return int.__int__(value)
    return str.__str__(value) if isinstance(value, str) else b"".join((value,))  # type: ignore[arg-type] # bytes


def cannot_change(record: object) -> AttributeError:
    return AttributeError(f"a {type(record).__name__} can't be changed")


def check_opcode(opcode: int) -> Opcode:
    """Return the opcode as a member of ``Opcode``."""
    try:
        return Opcode(opcode)
    except ValueError:
        raise ValueError(f"opcode must be one of 0, 1, 2, 8, 9 and 10, not {opcode!r}") from None


def encodable_opcode(opcode: int, fin: bool, length: int) -> int:
    """Return the opcode of a frame to send; raise if there can't be such a frame."""
    value = check_opcode(opcode)
    if value >= 8:
        if not fin:
            raise ValueError(f"{value.name} is a control frame, which can't be fragmented")
        if length > 125:
            raise ValueError(
                f"{value.name} is a control frame: its payload can't be {length} bytes, "
                "only up to 125"
            )
        if value == Opcode.CLOSE and length == 1:
            raise ValueError(
                "the payload of a CLOSE frame must be empty or begin with a 2-byte code"
            )
    return int(value)


def close_payload(
    code: int | None, reason: str, encode: Callable[[str], bytes] = str.encode
) -> bytes:
    """Return the payload of a close frame (RFC 6455 section 5.5.1)."""
    if not isinstance(reason, str):
        raise TypeError(f"reason must be a str, not {type(reason).__name__}")
    number = integer_or_none("code", code)
    if number is None:
        if reason:
            raise ValueError("a close frame can't carry a reason without a code")
        return b""
    if not may_be_sent(number):
        raise ValueError(f"close code {number} must not be sent")
    encoded = encode(reason)
    if len(encoded) > MAX_REASON:
        raise ValueError(f"reason must be {MAX_REASON} bytes of UTF-8 at most, not {len(encoded)}")
    return number.to_bytes(2, "big") + encoded


def check_state(state: object) -> tuple[int, bytes, int, int, int]:
    """Check a state that ``Utf8Validator.state`` returned, and return it."""
    if (
        type(state) is tuple
        and len(state) == 5
        and type(state[1]) is bytes
        and all(type(state[i]) is int and 0 <= state[i] <= MAX_OFFSET for i in (0, 2, 3, 4))
        and len(state[1]) <= min(3, state[0])
        and _can_go_on(state[1])
    ):
        return state
    raise ValueError(f"not a state of a Utf8Validator: {state!r}")


def _can_go_on(pending: bytes) -> bool:
    """Return whether the bytes are empty or the beginning of one character."""
    return not pending or any(
        _is_character(pending + byte * count) for byte in (b"\x80", b"\xbf") for count in (1, 2, 3)
    )


def _is_character(data: bytes) -> bool:
    try:
        return len(data.decode()) == 1
    except UnicodeDecodeError:
        return False
