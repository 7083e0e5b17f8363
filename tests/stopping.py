"""What stops a decoder or a connection although the remote did nothing wrong."""

from __future__ import annotations

import contextlib
import dis
import functools
import os
import signal
import sys
import zlib
from collections.abc import Callable, Iterator
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

    def call(*_: Any, **__: Any) -> Any:
        raise error

    return call


# Where a signal's handler can run: CPython looks for signals when a function begins, behind
# each call, and where a loop goes back.


@functools.cache
def checkpoints(code: CodeType) -> frozenset[int]:
    """Return where a signal's handler can run: offsets of instructions; none outside wsfast."""
    found: set[int] = set()
    if not code.co_filename.startswith(f"{PACKAGE}{os.sep}"):
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
    """Call; raise ``Stopped`` at that checkpoint in wsfast; return whether it came so far."""
    passed = 0

    def at(code: CodeType, offset: int) -> None:
        nonlocal passed
        if offset in checkpoints(code):
            passed += 1
            if passed == number:
                raise Stopped

    try:
        with each_instruction(at):
            call()
    except Stopped:
        return True
    return False


@contextlib.contextmanager
def each_instruction(at: Callable[[CodeType, int], None]) -> Iterator[None]:
    """Call ``at`` before each instruction of wsfast; what it raises, that instruction raises."""
    if sys.version_info >= (3, 12):  # where sys.settrace tells of some instructions only
        tool, monitoring = 4, sys.monitoring
        events = monitoring.events.INSTRUCTION
        monitoring.use_tool_id(tool, "wsfast's tests")
        monitoring.register_callback(tool, events, at)
        monitoring.set_events(tool, events)
        try:
            yield
        finally:
            monitoring.set_events(tool, 0)
            monitoring.register_callback(tool, events, None)
            monitoring.free_tool_id(tool)
        return

    def trace(of: FrameType, event: str, _: Any) -> Any:
        if not checkpoints(of.f_code):
            return None
        of.f_trace_opcodes, of.f_trace_lines = True, False
        if event == "opcode":
            at(of.f_code, of.f_lasti)
        return trace

    with traced(trace):
        yield


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
