"""What an application receives: from aiohttp's queue of messages to ``receive()``.

Invariant: text and binary messages are handed over here; aiohttp's own code gets all other
messages and every exception, as if it had waited for them.
"""

from __future__ import annotations

import functools
import inspect
from operator import attrgetter
from types import MethodType
from typing import Any

from ..._backend import encode_utf8
from ...errors import InvalidUTF8
from ._library import INVALID_TEXT, is_own, own

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class _Outcome:
    """What came of waiting, for aiohttp's code to find at once.

    It takes the place of the queue, and the connection counts as open, until that code reads:
    it checked both when it began to wait, and would not check again now.
    """

    __slots__ = ("_error", "_message", "_socket", "_state")

    def __init__(
        self, socket: Any, message: Any = None, error: BaseException | None = None
    ) -> None:
        self._socket, self._message, self._error = socket, message, error
        self._state: Any = None

    async def go_through(self, original: Any) -> Any:
        """Return what a ``receive`` or an ``__anext__`` of aiohttp's makes of it."""
        socket = self._socket
        self._state = socket._reader, socket._closed, socket._closing
        socket._reader, socket._closed, socket._closing = self, False, False
        try:
            return await original(socket)
        finally:
            self._leave()

    async def read(self) -> Any:
        self._leave()
        error, self._error = self._error, None
        if error is None:
            return self._message
        try:
            raise error
        finally:
            del error  # it refers to this frame

    def _leave(self) -> None:
        if self._state is not None:
            socket = self._socket
            (socket._reader, socket._closed, socket._closing), self._state = self._state, None


def make_receive(timeout: str, original: Any) -> Any:
    """Make ``receive``; ``timeout`` is the attribute with the time limit on receiving."""
    return _make_waiting(original, original, timeout)


def make_anext(find: Callable[[], Any], timeout: str, original: Any) -> Any:
    """Make ``__anext__``, which does not call ``receive`` if that is aiohttp's or ours."""
    (receive,) = own(find(), "receive")
    return _make_waiting(original, receive, timeout, passes_by=receive)


def _make_waiting(original: Any, receive: Any, timeout: str, passes_by: Any = None) -> Any:
    if not is_own(original):
        return original
    from aiohttp._websocket.reader import WebSocketDataQueue as queue_type
    from aiohttp.helpers import set_result
    from aiohttp.http_websocket import WSMsgType

    text, binary, timeout_of = WSMsgType.TEXT, WSMsgType.BINARY, attrgetter(timeout)
    code = getattr(inspect.unwrap(receive), "__code__", None)
    resets = "_reset_heartbeat" in getattr(code, "co_names", ())  # until 3.13

    @functools.wraps(original)
    async def wait(self: Any, timeout: float | None = None) -> Any:
        queue = self._reader
        if (
            type(queue) is not queue_type
            or timeout
            or self._waiting
            or self._closed
            or self._closing
            or timeout_of(self)
            or (
                passes_by is not None
                and (
                    type(found := self.receive) is not MethodType or found.__func__ is not passes_by
                )
            )
        ):
            return await (original(self) if timeout is None else original(self, timeout))
        self._waiting = True
        try:
            message = await queue.read()
            if resets:
                self._reset_heartbeat()
        except BaseException as error:  # noqa: BLE001 # aiohttp knows what each of them means
            outcome = _Outcome(self, error=error)
        else:
            if (kind := message[0]) is text or kind is binary:
                self._waiting = False
                if self._close_wait:
                    set_result(self._close_wait, None)
                return message
            outcome = _Outcome(self, message)
        self._waiting = False
        return await outcome.go_through(original)

    return wait


def make_close(original: Any) -> Any:
    """Make a ``close`` that names the wrong byte in the close frame of a 1007."""

    @functools.wraps(original)
    async def close(self: Any, *, code: int = 1000, message: Any = b"", **options: Any) -> Any:
        if code == INVALID_TEXT and not message and self._reader is not None:
            violation = getattr(self._reader.exception(), "__cause__", None)
            if isinstance(violation, InvalidUTF8):
                message = encode_utf8(violation.close_reason)
        return await original(self, code=code, message=message, **options)

    return close
