"""Every operation, with memory running out at each of its allocations in turn.

Run as a script, ``allocation.py [name ...]``, in a process of its own: it says what went
wrong and exits with 1, or is ended by a signal if something crashed.  Each operation runs
in a child, so that the name of the one that crashed is known.

Of each operation, allocation number 0, 1, 2 ... fails, alone or with some that follow it,
until the operation no longer comes that far.  (With all that follow it, Python itself ends
the process: "Cannot recover from MemoryErrors while normalizing exceptions".)  It must give
what it gives otherwise, or raise MemoryError; and what it was done to must be as good as
before, or raise an error that says otherwise.
"""

from __future__ import annotations

import _testcapi
import copy
import gc
import os
import pickle
import subprocess
import sys
import traceback
import zlib
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

import wsfast
from wsfast import (
    Binary,
    BinaryPart,
    Close,
    Connection,
    Frame,
    FrameDecoder,
    InvalidUTF8,
    MessageDecoder,
    Ping,
    ProtocolViolation,
    Text,
    TextPart,
    Utf8Validator,
)
from wsfast.deflate import Deflate, PerMessageDeflate

KEY = b"\x01\x02\x03\x04"
ENOUGH = 20  # successes in a row, after which an operation is taken to have had all it needs
MOST = 5_000  # allocations; an operation that has more is not what this is for


class Operation(NamedTuple):
    """What is done without memory, and what is asked afterwards with it."""

    call: Callable[[], Any]
    after: Callable[[Any], None]  # takes the result, or the exception


def compressed(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    octets = (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]
    return wsfast.encode_frame(2, octets, rsv1=True, masking_key=KEY)


def frame(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    return wsfast.encode_frame(opcode, payload, fin=fin, masking_key=KEY)


def lacked_memory(outcome: Any) -> bool:
    """Tell whether that is an error for lack of memory, or what Python makes of one.

    Where it can't make the traceback of an error it loses the error, and says so; where it
    can't import for lack of memory, pickle says so.  The controls below show both.  A lock
    that can't be made is a RuntimeError.
    """
    if isinstance(outcome, RuntimeError) and str(outcome) == "can't allocate lock":
        return True
    if isinstance(outcome, SystemError):
        return "without" in str(outcome)
    if isinstance(outcome, pickle.PicklingError):
        return "import of module" in str(outcome)
    return isinstance(outcome, MemoryError)


def described(outcome: Any) -> Any:
    """Return an outcome in a form to compare."""
    if isinstance(outcome, BaseException):
        return type(outcome), str(outcome), outcome.args
    return outcome


def same(make: Callable[[], Callable[[], Any]]) -> Callable[[], Operation]:
    """Make an operation that needs no state but has only its result, or what it raises."""

    expected = None

    def operation() -> Operation:
        nonlocal expected
        call = make()
        expected = expected or described(attempt(make()))

        def after(outcome: Any) -> None:
            if not lacked_memory(outcome):
                assert described(outcome) == expected, (outcome, expected)
            assert described(attempt(call)) == expected  # as if nothing had been

        return Operation(call, after)

    return operation


def attempt(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:  # noqa: BLE001 # it is what is looked at
        return error


def drained(decoder: Any) -> tuple[list[Any], Any]:
    events: list[Any] = []
    try:
        events.extend(decoder)
    except ProtocolViolation as violation:
        return events, described(violation)
    return events, None


def fed(make: Callable[[], Any], wire: bytes, begin: bytes = b"") -> Callable[[], Operation]:
    """Feed a wire without memory; take what came of it with memory."""

    def operation() -> Operation:
        whole = make()
        whole.feed(begin)
        expected, violation = drained(whole.feed(wire))
        decoder = make()
        decoder.feed(begin)

        def after(outcome: Any) -> None:
            events, found = drained(decoder)
            if outcome is decoder:
                assert (events, found) == (expected, violation)
                return
            assert lacked_memory(outcome), outcome
            assert found is None, "it is not the remote's fault"
            assert events == expected[: len(events)]
            refused = attempt(lambda: decoder.feed(b""))
            if refused is decoder:  # it was stopped before it began
                rest, found = drained(decoder.feed(wire))
                assert (events + rest, found) == (expected, violation)
            else:
                assert isinstance(refused, RuntimeError), refused
                assert "an earlier call was stopped by " in str(refused)

        return Operation(lambda: decoder.feed(wire), after)

    return operation


def taken(make: Callable[[], Any], wire: bytes) -> Callable[[], Operation]:
    """Take an event, or the violation, without memory: it is there afterwards, or was had."""

    def operation() -> Operation:
        expected, violation = drained(make().feed(wire))
        decoder = make()
        decoder.feed(wire)

        def after(outcome: Any) -> None:
            events, found = drained(decoder)
            if isinstance(outcome, ProtocolViolation):
                assert described(outcome) == violation
            elif not lacked_memory(outcome) and not isinstance(outcome, StopIteration):
                events = [outcome, *events]
            assert (events, found) == (expected, violation)

        return Operation(lambda: next(decoder), after)

    return operation


def inflating(text: str = "str") -> Callable[[], Any]:
    return lambda: MessageDecoder("server", text=text, deflate=Deflate("server"))


def server(**options: Any) -> Callable[[], Any]:
    return lambda: MessageDecoder("server", **options)


def frames(**options: Any) -> Callable[[], Any]:
    return lambda: FrameDecoder("server", **options)


EVENTS = (
    frame(1, b"ascii")
    + frame(1, "漢字".encode())
    + frame(2, b"ab")
    + frame(9, b"p")
    + frame(10, b"")
)
FRAGMENTS = (
    frame(1, b"gr\xc3", fin=False)
    + frame(9, b"between")
    + frame(0, b"\xbc", fin=False)
    + frame(0, b"n" * 300)
)
FAULTY = b"caf\xe9 au lait"


def connected(action: Callable[[Connection], Any]) -> Callable[[], Operation]:
    """Do something to a connection: afterwards what it says of itself still holds."""

    def operation() -> Operation:
        expected = Connection("server")
        attempt(lambda: action(expected))
        connection = Connection("server")

        def after(outcome: Any) -> None:
            if not lacked_memory(outcome):
                assert connection.data_to_send() == expected.data_to_send()
                assert connection.state is expected.state
                return
            violation = connection.closure.violation if connection.closure else None
            assert violation is None or expected.closure.violation is not None

        return Operation(lambda: action(connection), after)

    return operation


def validated(chunk: bytes) -> Callable[[], Operation]:
    def operation() -> Operation:
        validator, other = Utf8Validator(), Utf8Validator()
        expected = described(attempt(lambda: other.feed(chunk)))

        def after(outcome: Any) -> None:
            if not lacked_memory(outcome):
                assert described(outcome) == expected
            validator.reset()
            assert described(attempt(lambda: validator.feed(chunk))) == expected

        return Operation(lambda: validator.feed(chunk), after)

    return operation


def violation() -> InvalidUTF8:
    found = attempt(lambda: wsfast.validate_utf8(FAULTY))
    assert isinstance(found, InvalidUTF8)
    return found


def pickled_violation() -> Callable[[], Any]:
    found = violation()
    return lambda: pickle.loads(pickle.dumps(found)).args


def inplace() -> Callable[[], Any]:
    array = bytearray(b"abcdefgh")
    return lambda: wsfast.apply_mask_inplace(array, KEY)


RECORDS = [
    Text("text"),
    Binary(b"data"),
    TextPart("text", False),
    BinaryPart(b"data", True),
    Ping(b"data"),
    Close(1000, "reason"),
    Close(4999),
    Frame(2, b"data", rsv1=True),
]

OPERATIONS: dict[str, Callable[[], Operation]] = {
    "apply_mask": same(lambda: lambda: wsfast.apply_mask(b"some data", KEY, 3)),
    "apply_mask of a memoryview": same(
        lambda: lambda: wsfast.apply_mask(memoryview(b"some data"), bytearray(KEY))
    ),
    "apply_mask of nonsense": same(lambda: lambda: wsfast.apply_mask("text", KEY)),
    "apply_mask_inplace": same(inplace),
    "apply_mask_inplace, read-only": same(lambda: lambda: wsfast.apply_mask_inplace(b"abc", KEY)),
    "is_valid_utf8": same(lambda: lambda: wsfast.is_valid_utf8(bytearray(FAULTY))),
    "validate_utf8": same(lambda: lambda: wsfast.validate_utf8(FAULTY)),
    "validate_utf8, cut": same(lambda: lambda: wsfast.validate_utf8(b"ab\xf0\x9f")),
    "decode_utf8": same(lambda: lambda: wsfast.decode_utf8("grün".encode())),
    "decode_utf8 of a bytearray": same(lambda: lambda: wsfast.decode_utf8(bytearray(b"abc"))),
    "decode_utf8, faulty": same(lambda: lambda: wsfast.decode_utf8(FAULTY)),
    "Utf8Validator": validated("grün".encode()),
    "Utf8Validator, faulty": validated(FAULTY),
    "Utf8Validator.state": same(lambda: lambda: Utf8Validator().state),
    "Utf8Validator.from_state": same(
        lambda: lambda: Utf8Validator.from_state((3, b"\xc3", 1, 0, 2)).state
    ),
    "Utf8Validator.from_state, wrong": same(
        lambda: lambda: Utf8Validator.from_state((0, b"\xff", 0, 0, 0))
    ),
    "new_masking_key": same(lambda: lambda: len({wsfast.new_masking_key() for _ in range(3)})),
    "encode_frame": same(lambda: lambda: wsfast.encode_frame(1, "grün", masking_key=KEY)),
    "encode_frame, wrong": same(lambda: lambda: wsfast.encode_frame(9, bytes(126))),
    "encode_frames": same(
        lambda: lambda: wsfast.encode_frames([(1, "a" * 90), Frame(2, b"b"), (9, "grün")] * 9)
    ),
    "encode_frames, masked": same(
        lambda: lambda: len(wsfast.encode_frames([(1, "a"), (2, b"b")], masked=True))
    ),
    "encode_frames, wrong": same(lambda: lambda: wsfast.encode_frames([(1, "a"), None])),  # type: ignore[list-item] # wrong
    "encode_close": same(lambda: lambda: wsfast.encode_close(1001, "bye")),
    "parse_close": same(lambda: lambda: wsfast.parse_close(b"\x03\xe8gr\xc3\xbcn")),
    "parse_close, faulty": same(lambda: lambda: wsfast.parse_close(b"\x03\xe8gr\xfcn")),
    "parse_close, short": same(lambda: lambda: wsfast.parse_close(b"\x03")),
    "parse_close, code": same(lambda: lambda: wsfast.parse_close(b"\x03\xee")),
    "MessageDecoder()": same(lambda: lambda: type(MessageDecoder("server"))),
    "MessageDecoder(deflate)": same(lambda: lambda: type(inflating()())),
    "MessageDecoder(), wrong": same(lambda: lambda: MessageDecoder("neither")),  # type: ignore[arg-type] # wrong
    "FrameDecoder()": same(lambda: lambda: type(FrameDecoder("client", payload="memoryview"))),
    "feed, messages": fed(server(), EVENTS * 12),
    "feed, text as bytes": fed(server(text="bytes"), EVENTS),
    "feed, a memoryview": fed(server(), memoryview(EVENTS)),  # type: ignore[arg-type] # as good
    "feed, fragments": fed(server(), FRAGMENTS),
    "feed, the end of a message": fed(server(), FRAGMENTS[-200:], FRAGMENTS[:-200]),
    "feed, a stream": fed(server(stream=True), FRAGMENTS[-200:], FRAGMENTS[:-200]),
    "feed, a stream of bytes": fed(server(stream=True, text="bytes"), FRAGMENTS[:-1]),
    "feed, a stream that is faulty": fed(
        server(stream=True), frame(1, "漢".encode() + FAULTY), frame(1, b"a")
    ),
    "feed, a close frame": fed(server(), frame(1, b"a") + frame(8, b"\x03\xe8bye")),
    "feed, faulty text": fed(server(), frame(1, b"a") + frame(1, FAULTY)),
    "feed, faulty text as bytes": fed(server(text="bytes"), frame(1, b"a") + frame(1, FAULTY)),
    "feed, faulty fragments": fed(
        server(), frame(1, b"a") + frame(1, b"\xc3", fin=False) + frame(0, b"a" * 30)
    ),
    "feed, cut text": fed(server(), frame(1, b"a") + frame(1, b"ab\xe2\x82")),
    "feed, a bad close frame": fed(server(), frame(9, b"a") + frame(8, b"\x03\xee")),
    "feed, too big": fed(server(max_message_size=4), frame(9, b"a") + frame(2, b"12345")),
    "feed, reserved opcode": fed(server(), frame(9, b"a") + b"\x83\x80"),
    "feed, inflating": fed(inflating(), compressed(b"abc" * 400) + compressed(b"def")),
    "feed, inflating in two reads": fed(
        inflating(), compressed(b"abc" * 400)[9:], compressed(b"abc" * 400)[:9]
    ),
    "feed, inflating what is broken": fed(
        inflating(),
        frame(9, b"a") + wsfast.encode_frame(1, b"\xff" * 9, rsv1=True, masking_key=KEY),
    ),
    "feed, frames": fed(frames(), EVENTS * 12),
    "feed, a frame in two reads": fed(frames(), FRAGMENTS[-200:], FRAGMENTS[:-200]),
    "feed, views": fed(
        lambda: FrameDecoder("client", payload="memoryview"),
        wsfast.encode_frames([(1, "a"), (2, b"bc")]),
    ),
    "feed, a bad frame": fed(frames(), EVENTS + b"\x91"),
    "next, a message": taken(server(), EVENTS),
    "next, nothing": taken(server(), b""),
    "next, faulty text": taken(server(), frame(1, FAULTY)),
    "next, a bad frame": taken(frames(), b"\x83"),
    "get_buffer": same(lambda: lambda: len(MessageDecoder("server").get_buffer())),
    "buffer_updated": same(lambda: lambda: type(FrameDecoder("server").buffer_updated(0)).__name__),
    "take_part": same(lambda: lambda: FrameDecoder("server").feed(FRAGMENTS[:8]).take_part()),
    "close_frame": same(lambda: violation().close_frame),
    "str of a violation": same(lambda: violation().__str__),
    "pickle of a violation": same(pickled_violation),
    **{
        f"{what} {record!r}": same(lambda record=record, do=do: lambda: do(record))
        for record in RECORDS
        for what, do in (
            ("make", lambda one: one.__reduce__()[0](*one.__reduce__()[1])),
            ("repr", repr),
            ("hash", hash),
            ("compare", lambda one: one == one.__reduce__()[0](*one.__reduce__()[1])),
            ("pickle", lambda one: pickle.loads(pickle.dumps(one))),  # our own
            ("copy", copy.copy),
        )
    },
    "Text(1)": same(lambda: lambda: Text(1)),  # type: ignore[type-var] # wrong
    "Deflate.compress": same(lambda: lambda: Deflate("server").compress(b"abc" * 300)),
    "PerMessageDeflate.respond": same(
        lambda: (
            lambda: PerMessageDeflate("server").respond(  # type: ignore[index] # it is taken
                "permessage-deflate; client_max_window_bits"
            )[0]
        )
    ),
    "Connection()": same(lambda: lambda: Connection("server").state),
    "Connection.receive": connected(lambda c: c.receive(EVENTS)),
    "Connection.receive, faulty": connected(lambda c: c.receive(EVENTS + frame(1, FAULTY))),
    "Connection.receive, close": connected(lambda c: c.receive(frame(8, b"\x03\xe8"))),
    "Connection.send_text": connected(lambda c: c.send_text("grün")),
    "Connection.close": connected(lambda c: c.close(1000, "bye")),
    # Without wsfast: what goes wrong in these goes wrong in Python itself.
    "control: int": same(lambda: lambda: int("1" * 40)),
    "control: str.encode": same(lambda: lambda: "\ud800".encode()),
    "control: a generator": same(lambda: lambda: " or ".join(c.__name__ for c in (str, int))),
    "control: pickle": same(lambda: lambda: pickle.loads(pickle.dumps(Fraction(1, 3)))),
}

GENERATOR = "control: a generator"  # 3.12.1 and 3.13.0 crash in it
USE_GENERATORS = {
    GENERATOR,
    "Utf8Validator.from_state",
    "Utf8Validator.from_state, wrong",
    "PerMessageDeflate.respond",
}


def without_memory(call: Callable[[], Any], start: int, stop: int) -> Any:
    _testcapi.set_nomemory(start, stop)
    try:
        outcome = call()
    except BaseException as error:  # noqa: BLE001 # it is what is looked at
        outcome = error
    finally:
        _testcapi.remove_mem_hooks()
    return outcome


def sweep(make: Callable[[], Operation]) -> int:
    """Let each allocation fail; return how many calls that stopped."""
    stopped = 0
    for width in (1, 3, 10):
        start = calm = 0
        while calm < ENOUGH:
            assert start < MOST, "it never has all it needs"
            operation = make()
            outcome = without_memory(operation.call, start, start + width)
            calm = 0 if lacked_memory(outcome) else calm + 1
            stopped += not calm
            try:
                operation.after(outcome)
            except AssertionError:
                print(f"{width} from allocation {start} on: {outcome!r}")
                raise
            start += 1
    return stopped


def in_child(name: str) -> str:
    """Return what is wrong with an operation, "" for nothing."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            print(f"{name}: {sweep(OPERATIONS[name])} calls stopped")
            code = 0
        except BaseException:  # noqa: BLE001 # printed, and this process ends here
            traceback.print_exc(file=sys.stdout)
        finally:
            sys.stdout.flush()
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return "" if code == 0 else f"ended by signal {-code}" if code < 0 else "failed"


def python_crashes() -> bool:
    """Tell whether this Python crashes in a generator, without any code of wsfast."""
    done = subprocess.run([sys.executable, __file__, GENERATOR], capture_output=True, check=False)
    return b"ended by signal" in done.stdout


def main(names: list[str]) -> int:
    gc.disable()  # collections would come at other allocations each time
    wrong = 0
    crashes = names != [GENERATOR] and python_crashes()
    for name in names or OPERATIONS:
        if crashes and name in USE_GENERATORS:
            print(f"{name}: 0 calls stopped, for this Python crashes in generators")
            continue
        what = in_child(name)
        if what:
            print(f"{name}: {what}")
            wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
