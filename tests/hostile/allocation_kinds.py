"""How an operation of allocation_operations.py is done, and what must hold afterwards."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from wsfast import Connection, MessageDecoder, ProtocolViolation, Text, Utf8Validator
from wsfast._backend import MessageSink, Mould
from wsfast.deflate import Deflate


class Operation(NamedTuple):
    """What is done without memory, and what is asked afterwards with it."""

    call: Callable[[], Any]
    after: Callable[[Any], None]  # takes the result, or the exception


# What this Python does by itself without memory, which allocation.py finds out.
python_loses_texts = False


def lacked_memory(outcome: Any) -> bool:
    """Tell whether that is an error for lack of memory, or what Python makes of one.

    Where it can't make the traceback of an error it loses the error, and says so; where it
    can't import for lack of memory, pickle says so.  The controls in
    allocation_operations.py show both.  Python 3.11.2 can lose the text of that error too.  A
    lock that can't be made is a RuntimeError.
    """
    if isinstance(outcome, RuntimeError) and str(outcome) == "can't allocate lock":
        return True
    if isinstance(outcome, SystemError):
        return "without" in str(outcome) or (python_loses_texts and not outcome.args)
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


def parted(make: Callable[[], Any], wire: bytes) -> Callable[[], Operation]:
    """Take the part of a payload that has arrived: it is there afterwards, or was had."""

    def operation() -> Operation:
        expected = make().feed(wire).take_part()
        decoder = make().feed(wire)

        def after(outcome: Any) -> None:
            part = decoder.take_part()
            assert (part if lacked_memory(outcome) else outcome) == expected
            assert lacked_memory(outcome) or part is None

        return Operation(decoder.take_part, after)

    return operation


def connected(
    action: Callable[[Connection], Any],
    before: Callable[[Connection], Any] = bool,
    compresses: bool = False,
    **options: Any,
) -> Callable[[], Operation]:
    """Do something to a connection: afterwards what it says of itself still holds.

    What was received by then is given later; what it sends is whole frames, and an end that
    reads them finds no fault, also in what is sent with memory after that.
    """

    def deflate(role: Any) -> Any:
        return Deflate(role, threshold=0) if compresses else None

    def made() -> Connection:
        connection = Connection("server", deflate=deflate("server"), **options)
        before(connection)
        return connection

    def read(wire: bytes) -> tuple[list[Any], Any]:
        return drained(MessageDecoder("client", deflate=deflate("client")).feed(wire))

    def operation() -> Operation:
        expected, connection = made(), made()
        wanted = attempt(lambda: action(expected))
        if isinstance(wanted, Iterator):
            wanted = possible = drained(wanted)
        else:
            possible = drained(expected.receive(b""))
        sent = wanted if type(wanted) is bytes else expected.data_to_send()

        def after(outcome: Any) -> None:
            if not lacked_memory(outcome):
                found = drained(outcome) if isinstance(outcome, Iterator) else outcome
                assert described(found) == described(wanted)
                if type(wanted) is not bytes:
                    assert connection.data_to_send() == sent
                assert connection.state is expected.state
                return
            violation = connection.closure.violation if connection.closure else None
            assert violation is None or expected.closure.violation is not None
            left = attempt(lambda: drained(connection.receive(b"")))
            if isinstance(left, tuple):  # else the decoder was stopped, and nothing is left
                events, fault = left
                assert events == possible[0][: len(events)], (events, possible)
                assert fault in (None, possible[1])
            attempt(lambda: connection.send_text("after"))
            events, fault = read(connection.data_to_send())
            assert fault is None, fault
            twice = Counter(map(repr, events)) - Counter(map(repr, read(sent)[0]))
            twice -= Counter([repr(Text("after"))])
            # A pong may go twice: it was queued, and there was no memory to note that.
            assert all("Pong" in one for one in twice), twice

        return Operation(lambda: action(connection), after)

    return operation


def sunk(wire: bytes, begin: bytes = b"", **options: Any) -> Callable[[], Operation]:
    """Give a wire to a sink: what it puts is what it puts otherwise, as far as it comes."""

    def made() -> tuple[Any, list[Any]]:
        notes: list[Any] = []
        sink = MessageSink(
            "server",
            1000,
            *MOULDS,
            lambda *note: notes.append(note),
            lambda _, data: notes.append(data),  # type: ignore[func-returns-value] # it goes on
            **options,
        )
        sink.feed(begin, None)
        return sink, notes

    def operation() -> Operation:
        whole, expected = made()
        result = described(attempt(lambda: whole.feed(wire, None)))
        sink, notes = made()

        def after(outcome: Any) -> None:
            if not lacked_memory(outcome):
                assert (described(outcome), notes) == (result, expected)
                return
            assert notes == expected[: len(notes)]
            refused = attempt(lambda: sink.feed(b"", None))
            if refused is True:  # it was stopped before it began
                assert described(attempt(lambda: sink.feed(wire, None))) == result
                assert notes == expected
            else:
                assert isinstance(refused, RuntimeError), refused
                assert "stopped by" in str(refused)

        return Operation(lambda: sink.feed(wire, None), after)

    return operation


class Message(NamedTuple):
    """As a library has its messages."""

    kind: int
    data: Any


MOULDS = Mould(Message, (1, ...)), Mould(dict.fromkeys, (..., 2))


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
