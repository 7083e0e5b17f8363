"""A call that a signal's handler interrupts took effect or didn't: nothing is half done.

The handler raises at each place in wsfast's Python code where CPython can run it.  What the
object does afterwards must be what an object does after the whole call, or without it.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from itertools import count
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

import wsfast
from helpers import mask, on_default_codecs
from stopping import interrupted_at
from wsfast import Backoff
from wsfast.adapters import wsaccel
from wsfast.deflate import Deflate

KEY = b"\x01\x80\x7f\xff"


def is_done_or_not(
    make: Callable[[], Any],
    call: Callable[[Any], Any],
    observe: Callable[[Any], Any],
    least: int,
) -> None:
    """Interrupt the call everywhere; ``observe`` may use the object up."""

    def suppressed(made: Any) -> None:
        with contextlib.suppress(wsfast.InvalidUTF8, StopIteration):
            call(made)

    without, whole = make(), make()
    suppressed(whole)
    possible = [observe(without), observe(whole)]
    for number in count(1):
        made = make()
        stopped = interrupted_at(number, functools.partial(suppressed, made))
        observed = observe(made)
        assert observed in possible, number
        if not stopped:
            assert observed == possible[1]
            break
    assert number > least


def evidence(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except wsfast.InvalidUTF8 as violation:
        return str(violation), vars(violation), violation.args


TEXTS = [b"", b"Gr\xc3", b"\xf0\x9f\x99"]
CALLS: dict[str, Callable[[Any], Any]] = {
    "nothing": lambda validator: validator.feed(b""),
    "whole": lambda validator: validator.feed(b"\x99\x82"[:1] + b"abc"),
    "ascii": lambda validator: validator.feed(b"abc"),
    "cut": lambda validator: validator.feed(bytearray(b"\x82abc\xe6\x97")),
    "wrong": lambda validator: validator.feed(b"\x82abc\xc3\xc3"),
    "finish": lambda validator: validator.finish(),
    "reset": lambda validator: validator.reset(),
}


@on_default_codecs
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("call", CALLS)
def test_a_validator(codec: SimpleNamespace, text: bytes, call: str) -> None:
    def make() -> Any:
        validator = codec.Utf8Validator()
        validator.feed(b"ab")
        validator.feed(text)
        return validator

    def observe(validator: Any) -> Any:
        return (
            validator.position,
            validator.at_boundary,
            evidence(lambda: validator.state),
            evidence(lambda: validator.feed(b"\xbf\xe6")),
            evidence(lambda: validator.finish()),
        )

    is_done_or_not(make, CALLS[call], observe, least=1 if codec.name == "pure" else 0)


@on_default_codecs
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("call", ["validate", "wrong", "decode", "violation"])
def test_a_validator_of_wsaccel(
    codec: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, text: bytes, call: str
) -> None:
    monkeypatch.setattr(wsaccel, "OurValidator", codec.Utf8Validator)

    def make() -> Any:
        validator = wsaccel.Utf8Validator()
        for byte in text:
            validator.decode(byte)
        return validator

    def observe(validator: Any) -> Any:
        said = validator.state, validator.i, validator.codepoint
        return said, validator.validate(b"\x99a"), validator.state, validator.i

    calls: dict[str, Callable[[Any], Any]] = {
        "validate": lambda validator: validator.validate(b"\x82abc\xe6"),
        "wrong": lambda validator: validator.validate(b"\xffabc"),
        "decode": lambda validator: validator.decode(0x99),
        "violation": lambda validator: validator.violation(),
    }
    is_done_or_not(make, calls[call], observe, least=1)


def test_asking_for_the_violation_ends_no_text() -> None:
    validator = wsaccel.Utf8Validator()
    validator.validate(b"Gr\xc3")
    violation = validator.violation()
    assert violation is not None
    assert violation.cause is wsfast.Cause.TRUNCATED
    assert validator.validate(b"\xbcn") == (True, True, 2, 5)


@pytest.mark.parametrize("kind", [wsaccel.XorMaskerSimple, wsaccel.XorMaskerNull])
def test_a_masker(kind: Callable[[bytes], wsaccel.XorMaskerNull]) -> None:
    def make() -> Any:
        masker = kind(KEY)
        masker.process(b"abc")
        return masker

    def observe(masker: Any) -> Any:
        return masker.pointer(), masker.process(b"defg")

    is_done_or_not(make, lambda masker: masker.process(b"12345"), observe, least=1)
    assert wsaccel.XorMaskerSimple(KEY).process(b"abc") == mask(b"abc", KEY)


@pytest.mark.parametrize("jitter", ["full", "none"])
@pytest.mark.parametrize("call", [next, Backoff.reset])
def test_a_backoff(jitter: Any, call: Callable[[Backoff], Any]) -> None:
    def make() -> Backoff:
        backoff = Backoff(jitter=jitter, max_attempts=3, rng=Random(1))
        next(backoff)
        return backoff

    def observe(backoff: Backoff) -> Any:
        return backoff.attempts, backoff.ceiling, len(list(backoff))

    is_done_or_not(make, call, observe, least=1)


def test_what_a_deflate_compresses_after_it_was_told_to_forget() -> None:
    """Compressed bytes that are lost must not be referred to; see ``Deflate.forget``."""
    message = b"the same words again, " * 9

    def make() -> Deflate:
        deflate = Deflate("server")
        deflate.compress(message)
        return deflate

    alone = Deflate("server").compress(message)
    assert alone != make().compress(message)
    for number in count(1):
        deflate = make()
        stopped = interrupted_at(number, functools.partial(deflate.compress, message))
        deflate.forget()
        assert deflate.compress(message) == alone, number
        if not stopped:
            break
    assert number > 5
