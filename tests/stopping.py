"""What stops a decoder, or a connection, though the remote did nothing wrong."""

from __future__ import annotations

import contextlib
import dis
import functools
import signal
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType, SimpleNamespace
from typing import Any

from helpers import BINARY, PACKAGE, header, mask
from wsfast.deflate import Deflate


def compressed(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    deflated = (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]
    return header(0x80 | 0x40 | BINARY, len(deflated)) + mask(deflated)


class Stopped(BaseException):
    """As ``KeyboardInterrupt``, which a test runner takes for itself."""


def engine_with(call: Callable[[], None]) -> Deflate:
    """Return a ``Deflate`` whose engine calls that in the middle of inflating."""

    class Stream:
        def __init__(self, wbits: int) -> None:
            self._stream = zlib.decompressobj(wbits)

        def decompress(self, data: bytes, most: int) -> bytes:
            call()
            return self._stream.decompress(data, most)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._stream, name)

    deflate = Deflate("server")
    deflate._engine = SimpleNamespace(error=zlib.error, decompressobj=lambda wbits: Stream(wbits))
    return deflate


def raiser(error: BaseException) -> Callable[..., Any]:
    """Return a function that raises that, whatever it is given."""

    def call(*_: Any) -> Any:
        raise error

    return call


# Where a signal's handler can run: CPython looks for signals when a function begins, behind
# each call, and where a loop goes back.


@functools.cache
def checkpoints(code: CodeType) -> frozenset[int]:
    """Return the offsets of the instructions before which a signal's handler can run.

    Of code that is not of wsfast, none are told.
    """
    found: set[int] = set()
    if not Path(code.co_filename).is_relative_to(PACKAGE):
        return frozenset()
    behind = False
    for instruction in dis.get_instructions(code):
        if behind:
            found.add(instruction.offset)
        behind = instruction.opname == "RESUME" or instruction.opname.startswith("CALL")
        if instruction.opname == "JUMP_BACKWARD":
            found.add(instruction.argval)
    return frozenset(found)


def interrupted_at(number: int, call: Callable[[], Any]) -> bool:
    """Call; raise ``Stopped`` at that checkpoint in wsfast; tell whether it came so far."""
    passed = 0

    def trace(of: FrameType, event: str, _: Any) -> Any:
        nonlocal passed
        places = checkpoints(of.f_code)
        if not places:
            return None
        of.f_trace_opcodes, of.f_trace_lines = True, False
        if event == "opcode" and of.f_lasti in places:
            passed += 1
            if passed == number:
                sys.settrace(None)
                raise Stopped
        return trace

    try:
        with traced(trace):
            call()
    except Stopped:
        return True
    return False


@contextlib.contextmanager
def traced(trace: Callable[[FrameType, str, Any], Any]) -> Iterator[None]:
    """Call ``trace`` for what Python does, as sys.settrace does."""
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


@contextlib.contextmanager
def signals() -> Iterator[list[None]]:
    """Send a signal ten thousand times a second; its handler raises ``Stopped`` in wsfast.

    Yields:
        A list that grows by one for each ``Stopped``.
    """
    stopped: list[None] = []

    def handle(_: int, of: FrameType | None) -> None:
        if of is not None and checkpoints(of.f_code):
            stopped.append(None)
            raise Stopped

    before = signal.signal(signal.SIGALRM, handle)
    timer = signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
    try:
        yield stopped
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, before)
