"""The two codecs are one: the same calls give the same results, errors, texts, evidence.

Hypothesis drives both through the same calls, with bytes from well-formed wires to
noise and with arguments of every type.  CPython's own errors of arity are left out.
"""

from __future__ import annotations

import array
import inspect
import pickle
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conftest import CODEC_NAMES
from helpers import ALPHABETS, FAULTS, cut, described, header, mask

Twins: TypeAlias = tuple[SimpleNamespace, SimpleNamespace]
RECORDS = ("Frame", "Text", "Binary", "TextPart", "BinaryPart", "Ping", "Pong", "Close")

thorough = settings(
    max_examples=400,
    deadline=None,
    derandomize=True,  # a build that fails must fail again
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def plain(value: Any) -> Any:
    """Return what can be compared across the twins: their classes are two of one name."""
    if type(value).__name__ in RECORDS:
        fields = [plain(getattr(value, name)) for name in value.__match_args__]
        return (type(value).__name__, repr(value), hash_or_error(value), *fields)
    if isinstance(value, memoryview):
        return "memoryview", len(value), value.readonly, value.format
    if isinstance(value, list | tuple):
        return type(value), *map(plain, value)
    return type(value), value


def hash_or_error(value: Any) -> Any:
    try:
        return hash(value) == hash(pickle.loads(pickle.dumps(value)))
    except (TypeError, ValueError) as error:  # of a payload that has no hash, or no pickle
        return described(error)


def done(call: Callable[[], Any]) -> Any:
    """Return what came of a call; of an iterator, all that it yields and then raises."""
    try:
        result = call()
        if not hasattr(result, "__next__"):
            return "returned", plain(result)
    except Exception as error:  # noqa: BLE001 # whatever it is, it must be the same
        return "raised", described(error)
    events = []
    try:
        for event in result:
            events.append(plain(event))
    except Exception as error:  # noqa: BLE001
        return "yielded", events, "raised", described(error)
    return "yielded", events


def assert_same(twins: Twins, call: Callable[[SimpleNamespace], Any]) -> None:
    pure, native = (done(lambda codec=codec: call(codec)) for codec in twins)
    assert pure == native


class Unwilling:
    """Say no to every question, with an error of its own."""

    def __bool__(self) -> bool:
        raise ZeroDivisionError("no truth value")

    def __index__(self) -> int:
        raise ZeroDivisionError("no index")

    def __repr__(self) -> str:
        return "Unwilling()"


class Index:
    """Say 3, as an index."""

    def __index__(self) -> int:
        return 3

    def __repr__(self) -> str:
        return "Index()"


class Bytes(bytes):
    """Be a subclass of bytes."""


integers = st.one_of(
    st.integers(-3, 130),
    st.sampled_from([2**16, 2**31, 2**32, 2**63 - 1, 2**63, 2**64, 2**70, -(2**63), -(2**70)]),
    st.booleans(),
)
texts = st.one_of(
    st.text(max_size=20), st.sampled_from([*ALPHABETS.values(), "\ud800", "a" * 200, "é" * 62])
)
binary = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(FAULTS),
    st.sampled_from([*ALPHABETS.values()]).map(str.encode),
    st.binary(min_size=120, max_size=300),
)
buffers = st.one_of(
    binary,
    binary.map(bytearray),
    binary.map(memoryview),
    binary.map(Bytes),
    binary.map(lambda data: memoryview(data)[::2]),
    binary.map(lambda data: memoryview(bytes(data * 4)).cast("I")),
    binary.map(lambda data: array.array("H", bytes(data * 2))),
    binary.map(lambda data: memoryview(bytes(6)).cast("B", (2, 3))),
)
junk = st.one_of(
    st.none(),
    st.floats(allow_nan=False),
    st.sampled_from([object, Ellipsis, Unwilling(), Index(), [], {}, [1, 2], b"server"]),
)
anything = st.one_of(buffers, integers, texts, junk)
keys = st.one_of(st.binary(min_size=4, max_size=4), buffers, anything)
opcodes = st.one_of(st.integers(-1, 16), anything)


@thorough
@given(buffers | anything, keys, integers | anything)
def test_twins_apply_mask_same(twins: Twins, data: Any, key: Any, offset: Any) -> None:
    assert_same(twins, lambda codec: codec.apply_mask(data, key, offset))
    assert_same(twins, lambda codec: codec.apply_mask(data=data, masking_key=key))


@thorough
@given(binary, keys, integers | anything, st.sampled_from(["B", "b", "H", "I", "d", "c"]))
def test_twins_apply_mask_inplace_same_also_when_refused(
    twins: Twins, data: bytes, key: Any, offset: Any, item: str
) -> None:
    after = []
    for codec in twins:
        buffer = bytearray(data * 8)
        view = memoryview(buffer).cast(item)
        call = done(lambda c=codec, v=view: c.apply_mask_inplace(v, key, offset))
        after.append((call, bytes(buffer)))
    assert after[0] == after[1]


@thorough
@given(anything, keys, integers | anything)
def test_twins_apply_mask_inplace_of_anything_same(
    twins: Twins, data: Any, key: Any, offset: Any
) -> None:
    before = bytes(data) if isinstance(data, bytearray) else None
    assert_same(twins, lambda codec: codec.apply_mask_inplace(data, key, offset))
    if before is not None:  # masked by both, so it is what it was; or refused by both
        assert bytes(data) == before


@thorough
@given(st.sampled_from(["is_valid_utf8", "validate_utf8", "decode_utf8", "parse_close"]), anything)
def test_twins_function_of_bytes_same(twins: Twins, name: str, data: Any) -> None:
    assert_same(twins, lambda codec: getattr(codec, name)(data))


@thorough
@given(st.integers(0, 2**16 - 1) | integers, binary)
def test_twins_parse_close_same(twins: Twins, code: int, reason: bytes) -> None:
    payload = (code & 0xFFFF).to_bytes(2, "big") + reason
    assert_same(twins, lambda codec: codec.parse_close(payload))


@thorough
@given(st.integers(990, 5000) | anything, texts | anything)
def test_twins_encode_close_same(twins: Twins, code: Any, reason: Any) -> None:
    assert_same(twins, lambda codec: codec.encode_close(code, reason))


@thorough
@given(opcodes, buffers | texts | anything, st.booleans() | junk, st.booleans() | junk, keys)
@example(2**70, b"", True, False, None)
@example(Index(), b"", True, False, None)
@example(1.0, b"", True, False, None)
@example(99, "\ud800", False, False, b"")
def test_twins_encode_frame_same(
    twins: Twins, opcode: Any, payload: Any, fin: Any, rsv1: Any, key: Any
) -> None:
    assert_same(
        twins,
        lambda codec: codec.encode_frame(opcode, payload, fin=fin, rsv1=rsv1, masking_key=key),
    )
    assert_same(twins, lambda codec: codec.encode_frame(opcode, payload))


@thorough
@given(st.sampled_from(["server", "client"]) | anything, st.data())
def test_twins_decoder_arguments_same(twins: Twins, role: Any, data: st.DataObject) -> None:
    limits = {"max_frame_size": integers | anything}
    for name, options in (
        ("FrameDecoder", {**limits, "reserved_bits": integers | anything}),
        (
            "MessageDecoder",
            {
                **limits,
                "text": st.sampled_from(["str", "bytes"]) | anything,
                "max_message_size": integers | anything,
                "max_retained": integers | anything,
                "stream": st.booleans() | anything,
            },
        ),
    ):
        given_options = data.draw(st.fixed_dictionaries({}, optional=options))

        def make(codec: SimpleNamespace, name: str = name, given: Any = given_options) -> Any:
            return type(getattr(codec, name)(role, **given)).__name__

        assert_same(twins, make)


@thorough
@given(st.sampled_from(["server", "client"]) | anything, integers | anything)
def test_twins_sink_arguments_same(twins: Twins, role: Any, max_size: Any) -> None:
    def make(codec: SimpleNamespace) -> Any:
        mould = codec.Mould(list, (...,))
        return type(codec.MessageSink(role, max_size, mould, mould, print, print)).__name__

    assert_same(twins, make)


@thorough
@given(st.sampled_from(RECORDS), st.lists(st.one_of(opcodes, anything), min_size=1, max_size=6))
def test_twins_record_of_anything_same(twins: Twins, name: str, values: list[Any]) -> None:
    arity = len(inspect.signature(getattr(twins[0], name)).parameters)
    values = values[:arity]
    if name in ("Frame", "Close", "TextPart", "BinaryPart") and len(values) < 2:
        values.append("")
    assert_same(twins, lambda codec: getattr(codec, name)(*values))


# Wires: frames that are mostly in order, then bytes changed, dropped, put in.

first_bytes = st.sampled_from([0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8A, 0x88, 0xC1, 0x03])
close_payloads = st.builds(
    lambda code, reason: code.to_bytes(2, "big") + reason, st.integers(995, 1020), binary
)
payloads = st.one_of(binary, close_payloads, st.just(b""), st.just(b"a" * 126))
length_forms = st.sampled_from([None, None, None, None, None, None, 2, 8])


@st.composite
def wires(draw: st.DrawFn) -> tuple[str, list[bytes]]:
    """A role, and what it receives, read by read."""
    role = draw(st.sampled_from(["server", "client"]))
    wire = b""
    for first, payload, form in draw(
        st.lists(st.tuples(first_bytes, payloads, length_forms), max_size=6)
    ):
        key = draw(st.binary(min_size=4, max_size=4)) if role == "server" else None
        wire += header(first, len(payload), key, form)
        wire += mask(payload, key) if key else payload
    for place, piece, drop in draw(
        st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=2), st.booleans()), max_size=2)
    ):
        at = place % (len(wire) + 1)
        wire = wire[:at] + piece + wire[at + drop :]
    places = draw(st.lists(st.integers(0, len(wire)), max_size=8))
    return role, cut(wire, sorted(places))


def assert_fed_same(twins: Twins, make: Callable[[SimpleNamespace], Any], chunks: Any) -> None:
    decoders = [make(codec) for codec in twins]
    for number, chunk in enumerate(chunks):
        fed = []
        for decoder in decoders:
            if number % 3 == 2 and isinstance(chunk, bytes):
                decoder.get_buffer(len(chunk))[: len(chunk)] = chunk
                fed.append(done(lambda d=decoder, c=chunk: d.buffer_updated(len(c))))
            else:
                fed.append(done(lambda d=decoder, c=chunk: d.feed(c)))
        assert fed[0] == fed[1]


@thorough
@given(
    wires(),
    st.sampled_from(["str", "bytes"]),
    st.sampled_from([2**20, None, 0, 1, 50, 126]),
    st.sampled_from([None, 0, 20, 60]),
    st.sampled_from([None, 0, 20, 125]),
    st.sampled_from([False, True, 0, 1, None, "yes"]),
)
def test_twins_message_decoder_same(
    twins: Twins,
    wire: tuple[str, list[bytes]],
    text: str,
    max_message_size: int | None,
    max_retained: int | None,
    max_frame_size: int | None,
    stream: Any,
) -> None:
    role, chunks = wire
    options = {
        "text": text,
        "stream": stream,
        "max_message_size": max_message_size,
        "max_retained": max_retained,
        "max_frame_size": max_frame_size,
    }
    assert_fed_same(twins, lambda codec: codec.MessageDecoder(role, **options), [*chunks, b"more"])


@thorough
@given(wires(), st.sampled_from([None, 0, 20, 126]), st.sampled_from([0, 0x40, 0x70]))
def test_twins_frame_decoder_same(
    twins: Twins, wire: tuple[str, list[bytes]], max_frame_size: int | None, bits: int
) -> None:
    role, chunks = wire
    options = {"max_frame_size": max_frame_size, "reserved_bits": bits}
    assert_fed_same(twins, lambda codec: codec.FrameDecoder(role, **options), [*chunks, b"more"])


@thorough
@given(
    st.lists(st.binary(max_size=20) | anything, max_size=6), st.sampled_from(["server", "client"])
)
def test_twins_decoders_fed_noise_same(twins: Twins, chunks: list[Any], role: str) -> None:
    for name in ("FrameDecoder", "MessageDecoder"):
        assert_fed_same(twins, lambda codec, name=name: getattr(codec, name)(role), chunks)


@thorough
@given(integers | anything, integers | anything)
def test_twins_get_buffer_and_buffer_updated_of_anything_same(
    twins: Twins, sizehint: Any, bytes_received: Any
) -> None:
    decoders = [codec.MessageDecoder("server") for codec in twins]
    pure, native = (done(lambda d=d: d.get_buffer(sizehint)) for d in decoders)
    assert pure == native
    pure, native = (done(lambda d=d: d.buffer_updated(bytes_received)) for d in decoders)
    assert pure == native


# One call on a Utf8Validator: its name, and an argument if it takes one.
validator_calls = st.one_of(
    st.tuples(st.just("feed"), binary | anything),
    st.tuples(st.just("feed"), binary),
    st.tuples(st.sampled_from(["finish", "reset", "moved"])),
)


@thorough
@given(st.lists(validator_calls, max_size=12))
def test_twins_validator_same(twins: Twins, calls: list[tuple[Any, ...]]) -> None:
    validators = [codec.Utf8Validator() for codec in twins]
    for name, *arguments in calls:
        if name == "moved":
            states = [done(lambda v=v: v.state) for v in validators]
            assert states[0] == states[1]
            if states[0][0] == "returned":
                validators = [type(v).from_state(v.state) for v in validators]
            continue
        results = [done(lambda v=v: getattr(v, name)(*arguments)) for v in validators]  # noqa: B023
        assert results[0] == results[1]
        pure, native = ((v.position, v.at_boundary, done(lambda v=v: v.state)) for v in validators)
        assert pure == native


@thorough
@given(
    st.tuples(integers, binary, integers, integers, integers)
    | st.tuples(st.integers(0, 9), st.sampled_from(FAULTS), *(st.just(0),) * 3)
    | st.lists(anything, max_size=6).map(tuple)
    | anything
)
def test_twins_validator_from_state_same(twins: Twins, state: Any) -> None:
    def resumed(codec: SimpleNamespace) -> Any:
        validator = codec.Utf8Validator.from_state(state)
        return validator.state, done(lambda: validator.feed(b"\x80\xff"))

    assert_same(twins, resumed)


# What CPython, Cython and calls.pxi say of a keyword that is no parameter.
REFUSED_KEYWORD = r"(un\w+|no|as) keyword argument|got multiple values"

# Methods of the codec in Python for its own modules, of which no user is told.
INTERNAL = {"accept", "at", "finish_after", "next_fragment", "pending_count"}


def public_members(value: object) -> set[str]:
    """The public names in a class."""
    found = {name for name in dir(value) if not name.startswith("_")}
    return found - INTERNAL if inspect.isclass(value) else set()


def methods(value: object) -> list[str]:
    return sorted(m for m in public_members(value) if inspect.isroutine(getattr(value, m)))


def parameters(value: Any, skip: int = 0) -> list[tuple[str, Any, Any]]:
    found = [(p.name, p.kind, p.default) for p in inspect.signature(value).parameters.values()]
    return found[skip:]


@pytest.mark.parametrize("name", CODEC_NAMES)
def test_twins_documented_alike(twins: Twins, name: str) -> None:
    """If this fails after a change in ``_pure``: the extension must be built again."""
    pure, native = (getattr(codec, name) for codec in twins)
    assert inspect.getdoc(pure)
    assert inspect.getdoc(pure) == inspect.getdoc(native)
    for member in public_members(pure):
        ours, theirs = (inspect.getdoc(getattr(value, member)) for value in (pure, native))
        assert ours == theirs, member
        assert ours or member in pure.__match_args__  # fields are described with the class


@pytest.mark.parametrize("name", CODEC_NAMES)
def test_twins_signatures_alike(twins: Twins, name: str) -> None:
    pure, native = (getattr(codec, name) for codec in twins)
    assert parameters(pure) == parameters(native)
    for method in methods(pure):
        bound = inspect.ismethod(getattr(pure, method))  # of the class: then it has no `self`
        ours, theirs = (parameters(getattr(v, method), not bound) for v in (pure, native))
        assert ours == theirs, method


@pytest.mark.parametrize("name", CODEC_NAMES)
def test_twins_take_the_keywords_that_they_say(twins: Twins, name: str) -> None:
    """The signature of the compiled twin is a text: what it takes could be something else."""
    parameters = inspect.signature(getattr(twins[0], name)).parameters.values()
    required = [p for p in parameters if p.default is p.empty]
    unnamed = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL}
    places = [Unwilling() for p in required if p.kind in unnamed]
    named = {p.name: Unwilling() for p in required if p.kind not in unnamed}
    for keyword in [*(p.name for p in parameters), "unknown"]:
        taken = any(p.name == keyword and p.kind not in unnamed for p in parameters)
        for codec in twins:
            outcome = done(
                lambda c=codec, k=keyword: getattr(c, name)(*places, **{**named, k: Unwilling()})
            )
            assert bool(re.search(REFUSED_KEYWORD, str(outcome))) != taken, (keyword, outcome)


@pytest.mark.parametrize("name", [name for name in CODEC_NAMES if name[0].isupper()])
def test_twins_classes_have_the_same_public_members(twins: Twins, name: str) -> None:
    pure, native = (public_members(getattr(codec, name)) for codec in twins)
    assert pure == native
