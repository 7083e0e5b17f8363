"""What the other modules here know of websockets, in each of its versions.

Invariant: code of websockets is passed by only while every name that it would have called
holds what websockets, or this package, put there.
"""

from __future__ import annotations

import contextlib
import inspect
import secrets
import struct
from operator import attrgetter
from types import FunctionType, MethodType
from typing import Any

from ..._backend import ClassState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    _Methods = Mapping[type, tuple[str, ...]]

ANY_SIZE = 2**63 - 1

# The first bytes of frames that are waited for until they are whole.
MESSAGE = frozenset((0x81, 0x82))  # a message in one frame
COMPRESSED_OR_NOT = MESSAGE | {0xC1, 0xC2}
ANY_DATA = frozenset(first for first in range(256) if first & 0x0F <= 2)

_PACKAGE = __name__.rpartition(".")[0]


def is_own(function: Any) -> bool:
    """Return whether code is that of websockets or of this package, not somebody's wrapper."""
    if type(function) is MethodType:
        function = function.__func__
    if type(function) is not FunctionType:
        return False
    module = function.__globals__.get("__name__", "")
    if function.__globals__ is vars(contextlib):  # @asynccontextmanager
        return is_own(getattr(function, "__wrapped__", None))
    return str(module).startswith(("websockets.", _PACKAGE))


def own(kind: Any, *names: str) -> list[Any]:
    """Return what the names of a class hold, each if it is its own code, for ``is`` to compare.

    For somebody else's there is an object that no name holds, so that what is passed by
    only while it is the same never is.
    """
    held = [getattr(kind, name) for name in names]
    return [function if is_own(function) else object() for function in held]


# Methods that websockets itself overrides, for servers and for clients.
_OVERRIDDEN = frozenset(("parse", "process_event"))


class Vetted:
    """Classes whose methods have been found to be own: the types of objects that work together.

    Asking a dozen names what they hold takes as long as taking a message does, so what was found
    holds until somebody sets a name in one of the classes.

    Args:
        passed_by: by class, the methods that are passed by; an object may be of a subclass.
        others: the same of classes that are used themselves.
    """

    MOST = 64

    def __init__(self, passed_by: _Methods, others: _Methods) -> None:
        self._passed_by = [_held(kind, names) for kind, names in passed_by.items()]
        self._others = {kind: _held(kind, names) for kind, names in others.items()}
        self._states: dict[tuple[type, ...], ClassState] = {}

    def state(self, *kinds: type) -> ClassState | None:
        """Return an object that tells whether any of the classes has changed.

        ``None`` if one of the names holds somebody else's code.

        Args:
            kinds: the types of the objects, in the order of ``passed_by``.
        """
        state = self._states.get(kinds)
        return state if state is not None and state.is_same() else self._look(kinds)

    def _look(self, kinds: tuple[type, ...]) -> ClassState | None:
        state = ClassState(*kinds, *self._others)  # first: a name that is set from now on counts
        for kind, held in zip(kinds, self._passed_by, strict=True):
            for name, method in held:
                found = _function(kind, name)
                if found is not method and not (name in _OVERRIDDEN and is_own(found)):
                    return None
        for kind, held in self._others.items():
            if any(_function(kind, name) is not method for name, method in held):
                return None
        if len(self._states) >= self.MOST:
            self._states.clear()  # a program that makes classes as it runs is to lose them too
        self._states[kinds] = state
        return state


def _function(kind: type, name: str) -> Any:
    """Return what a name of a class holds; the function of a class method."""
    found = getattr(kind, name)
    return found.__func__ if type(found) is MethodType else found


def _held(kind: type, names: tuple[str, ...]) -> list[tuple[str, Any]]:
    """Return names with what they hold, each with an object that no name holds if not own."""
    functions = [_function(kind, name) for name in names]
    return [(name, f if is_own(f) else object()) for name, f in zip(names, functions, strict=True)]


def has_attribute(kind: type, name: str) -> bool:
    """Return whether the instances of a class of websockets are made with an attribute."""
    return name in inspect.unwrap(vars(kind)["__init__"]).__code__.co_names


def original_or_none(module: Any, name: str) -> Any:
    """Return a function of the standard library, unless something has replaced it already."""
    function = getattr(module, name)
    if type(function) is FunctionType and function.__globals__ is not vars(module):
        return None
    return function if getattr(function, "__name__", "") == name else None


_token_bytes = original_or_none(secrets, "token_bytes")
_unpack = original_or_none(struct, "unpack")


def chooses_keys() -> bool:
    """Return whether a test has put something in the place of the source of masking keys."""
    return secrets.token_bytes is not _token_bytes


def breaks_parsing() -> bool:
    """Return whether a test has put something in the place of what parses headers."""
    return struct.unpack is not _unpack


def _room_since_16(protocol: Any, size: int = 0) -> int | None:
    most: int | None = protocol.max_message_size
    fragment: int | None = protocol.max_fragment_size
    if most is None or (fragment is not None and fragment < most - size):
        return fragment
    return most - size


def _room_before_16(protocol: Any, size: int = 0) -> int | None:
    most: int | None = protocol.max_size
    return None if most is None else most - size


class Limits:
    """The limits on what a protocol receives, whatever its version calls them.

    Attributes:
        under_way: returns how many bytes of a message have arrived; ``None`` between messages.
        room_after: returns how many bytes the payload of the next frame may have, after
            ``size`` bytes of its message (0 by default); ``None`` for any number.
    """

    def __init__(self, protocol: type) -> None:
        since_16 = has_attribute(protocol, "max_message_size")
        since_15 = has_attribute(protocol, "current_size")
        self.under_way = attrgetter("current_size" if since_15 else "cur_size")
        self.room_after = _room_since_16 if since_16 else _room_before_16

    def room(self, protocol: Any) -> int | None:
        """Return how many bytes the payload of the next frame may have; ``None`` for any number."""
        return self.room_after(protocol, self.under_way(protocol) or 0)


def frame_size(data: Any, firsts: frozenset[int], masked: bool, most: int) -> int:
    """Return the size of the incomplete frame with which data begins.

    0 if its header is incomplete, but valid so far; -1 if websockets has to parse it, because
    of its header or because the frame is complete.
    """
    size = len(data)
    if data[0] not in firsts:
        return -1
    if size == 1:
        return 0
    if (data[1] > 0x7F) is not masked:
        return -1
    length, header = data[1] & 0x7F, 2
    if length > 125:
        width, least = (2, 126) if length == 126 else (8, 1 << 16)
        header += width
        if size < header:
            return 0
        length = int.from_bytes(data[2:header], "big")
        if length < least:
            return -1
    if length > most:
        return -1
    whole = header + 4 * masked + length
    return whole if size < whole else -1


def innermost(generator: Any) -> Any:
    """Return the generator that a chain of ``yield from`` waits in."""
    while (deeper := generator.gi_yieldfrom) is not None:
        generator = deeper
    return generator
