"""Replacements do what the library's own code does: same bytes, same types, nothing changed.

Invariant: the expected results are computed here or by the library's own code.
"""

from __future__ import annotations

import importlib
from array import array
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from helpers import certainly_faulty, find_fault, fragments_of, mask, random_text
from wsfast.adapters import wsaccel

KEY = b"\x01\x80\x7f\xff"
DATA = bytes(range(256)) * 3 + b"xyz"
SwitchOn = Callable[[str], Any]


def test_maskers_keep_their_place_between_pieces() -> None:
    masker = wsaccel.XorMaskerSimple(KEY)
    pieces = [DATA[:1], bytearray(DATA[1:7]), memoryview(DATA)[7:100], array("B", DATA[100:])]
    assert b"".join(masker.process(piece) for piece in pieces) == mask(DATA, KEY)
    assert masker.pointer() == len(DATA)
    masker.reset()
    assert masker.process(DATA) == mask(DATA, KEY)
    null = wsaccel.XorMaskerNull()
    assert (null.process(DATA), null.pointer()) == (DATA, len(DATA))
    assert type(wsaccel.createXorMasker(KEY, 200)) is wsaccel.XorMaskerSimple
    with pytest.raises(ValueError, match="masking_key must be exactly 4 bytes, not 3"):
        wsaccel.XorMaskerSimple(b"abc")


def test_the_validator_answers_as_wsaccel() -> None:
    theirs = pytest.importorskip("wsaccel.utf8validator").Utf8Validator
    if theirs is wsaccel.Utf8Validator:
        pytest.skip("wsaccel is wsfast's own")
    rng = Random(4)
    for _ in range(2000):
        text = random_text(rng).encode()
        if rng.random() < 0.7:
            text = certainly_faulty(rng, text)
        ours, other = wsaccel.Utf8Validator(), theirs()
        for piece in fragments_of(rng, text):
            if not piece and other.state == 1:
                continue  # of an empty piece wsaccel says that it is valid, even then
            assert ours.validate(piece) == other.validate(piece)
            assert (ours.state == 0) == (other.state == 0)
            assert (ours.state == 1) == (other.state == 1)


def test_the_validator_by_the_byte() -> None:
    validator = wsaccel.Utf8Validator()
    for character in ("a", "é", "日", "🙂"):
        states = [validator.decode(byte) for byte in character.encode()]
        assert states[-1] == wsaccel.UTF8_ACCEPT
        assert all(state > 1 for state in states[:-1])
        assert chr(validator.codepoint) == character
    assert validator.decode(0xFF) == wsaccel.UTF8_REJECT
    assert validator.validate(b"abc") == (False, False, 0, 10)
    validator.reset()
    assert validator.validate(b"abc") == (True, True, 3, 3)


def test_the_alias_of_wsaccel(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in [n for n in sys.modules if n.partition(".")[0] == "wsaccel"]:
        monkeypatch.delitem(sys.modules, name)
    wsaccel.install()
    wsaccel.install()
    try:
        from wsaccel.utf8validator import Utf8Validator
        from wsaccel.xormask import XorMaskerSimple

        assert Utf8Validator is wsaccel.Utf8Validator
        assert XorMaskerSimple is wsaccel.XorMaskerSimple
    finally:
        wsaccel.uninstall()
    assert "wsaccel" not in sys.modules
    monkeypatch.setitem(sys.modules, "wsaccel", type(sys)("wsaccel"))
    with pytest.raises(RuntimeError, match="wsaccel itself is imported already"):
        wsaccel.install()


MASKS: list[tuple[str, str, type, Callable[[Any, Any], Any]]] = [
    (
        "websocket-client",
        "websocket._abnf",
        bytes,
        lambda module, data: module._mask(array("B", KEY), array("B", data)),
    ),
    (
        "tornado",
        "tornado.websocket",
        bytes,
        lambda module, data: module._websocket_mask(KEY, data),
    ),
    (
        "autobahn",
        "autobahn.websocket.protocol",
        bytes,
        lambda module, data: module.create_xor_masker(KEY, len(data)).process(data),
    ),
    (
        "wsproto",
        "wsproto.frame_protocol",
        bytearray,
        lambda module, data: module.XorMaskerSimple(bytearray(KEY)).process(bytearray(data)),
    ),
    ("ws4py", "ws4py.framing", bytearray, lambda module, data: _ws4py(module).mask(data)),
    ("ws4py", "ws4py.framing", bytearray, lambda module, data: _ws4py(module).unmask(data)),
    (
        "gevent-websocket",
        "geventwebsocket.websocket",
        bytearray,
        lambda module, data: _gevent(module, data).mask_payload(data),
    ),
    (
        "gevent-websocket",
        "geventwebsocket.websocket",
        bytearray,
        lambda module, data: _gevent(module, data).unmask_payload(data),
    ),
    ("lomond", "lomond.frame", bytearray, lambda module, data: _in_place(module, data)),
    ("aiohttp", "aiohttp._websocket.writer", bytearray, lambda m, data: _in_place(m, data)),
]


def _ws4py(module: Any) -> Any:
    return module.Frame(body=b"", opcode=1, masking_key=KEY)


def _gevent(module: Any, data: bytes) -> Any:
    header = module.Header(length=len(data))
    header.mask = KEY
    return header


def _in_place(module: Any, data: bytes) -> bytearray:
    copy = bytearray(data)
    mask_it = getattr(module, "mask_payload", None) or module.websocket_mask
    assert mask_it(KEY, copy) is None
    return copy


@pytest.mark.parametrize(("peer", "module", "kind", "call"), MASKS)
def test_masks(switch_on: SwitchOn, peer: str, module: str, kind: type, call: Any) -> None:
    imported = pytest.importorskip(module)
    samples = [DATA[:size] for size in (1, 3, 4, 5, 125, len(DATA))]
    stock = [call(imported, data) for data in samples]
    switch_on(peer)
    for data, theirs in zip(samples, stock, strict=True):
        kept = bytes(data)
        got = call(imported, data)
        assert got == theirs == mask(data, KEY)
        assert type(got) is type(theirs) is kind
        assert data == kept


def test_a_key_that_ws4py_received_in_pieces(switch_on: SwitchOn) -> None:
    framing = pytest.importorskip("ws4py.framing")
    wire = framing.Frame(body=DATA, opcode=1, fin=1, masking_key=KEY).build()
    at = len(wire) - len(DATA) - 2  # in the middle of the key

    def received() -> bytearray:
        frame = framing.Frame()
        for piece in (wire[:at], wire[at:]):
            frame.parser.send(piece)
        return bytearray(frame.unmask(frame.body))

    stock = received()
    switch_on("ws4py")
    assert received() == stock == DATA


VALIDATORS = [
    ("gevent-websocket", "geventwebsocket.websocket"),
    ("ws4py", "ws4py.streaming"),
    ("lomond", "lomond.frame_parser"),
    ("lomond", "lomond.message"),
    ("autobahn", "autobahn.websocket.protocol"),
]


@pytest.mark.parametrize(("peer", "module"), VALIDATORS)
def test_validators(switch_on: SwitchOn, peer: str, module: str) -> None:
    imported = pytest.importorskip(module)
    switch_on(peer)
    rng = Random(5)
    for _ in range(200):
        text = certainly_faulty(rng, random_text(rng).encode())
        fault = find_fault(text)
        assert fault is not None
        validator = imported.Utf8Validator()
        answers = [validator.validate(piece) for piece in fragments_of(rng, text)]
        if fault.detected_at < len(text):
            assert answers[-1] == (False, False, 0, fault.detected_at) or (
                answers[-1][0] is False and answers[-1][3] == fault.detected_at
            )
        else:
            assert answers[-1][:2] == (True, False)


def test_websocket_client_refuses_what_is_cut_inside_a_character(switch_on: SwitchOn) -> None:
    utils = pytest.importorskip("websocket._utils")
    switch_on("websocket-client")
    assert utils.validate_utf8("Köln".encode()) is True
    assert utils.validate_utf8("Köln") is True
    assert utils.validate_utf8(b"K\xc3") is False
    assert utils.validate_utf8(b"\xff") is False


def test_all_of_them_at_once_and_back() -> None:
    from wsfast import accelerate, restore

    modules = {seam[1] for seam in MASKS} | {"websockets.protocol", "websockets.frames"}
    here = {}
    for name in modules:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        here[name] = (module, dict(vars(module)))
    accelerate()
    restore()
    for module, before in here.values():
        assert dict(vars(module)) == before
