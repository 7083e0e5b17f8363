"""Switching on and off, whatever is imported when, and whatever a library looks like."""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from wsfast import Acceleration, accelerate, restore
from wsfast.adapters import _seams, status
from wsfast.adapters._seams import Peer, Seam
from wsfast.adapters._versions import version_numbers

SECONDS = 20
SOURCE = """
def shout(text):
    return text.upper()

class Voice:
    def shout(self, text):
        return text.upper()

    @staticmethod
    def whisper(text):
        return text.lower()
"""


def louder(original: Any) -> Any:
    return lambda *arguments: f"{original(*arguments)}!"


def louder_static(original: Any) -> Any:
    return staticmethod(lambda text: f"{original.__func__(text)}...")


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    """A peer named wsproto, for accelerate() to find, of two modules on a path of their own."""
    (tmp_path / "loudpeer.py").write_text(SOURCE)
    (tmp_path / "latepeer.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(metadata, "version", lambda name: "1.2.3")
    made = Peer(
        "wsproto",
        ("1.2", "2"),
        [
            Seam("loudpeer", "shout", louder, "shouts louder"),
            Seam("loudpeer", "Voice.shout", louder, "shouts louder"),
            Seam("loudpeer", "Voice.whisper", louder_static, "trails off"),
            Seam("latepeer", "shout", louder, "shouts louder, later"),
        ],
        [("loudpeer.Voice", "loud enough")],
    )
    monkeypatch.setitem(_seams._peers, "wsproto", made)
    yield made
    restore("wsproto")
    for name in ("loudpeer", "latepeer"):
        sys.modules.pop(name, None)


def runs(rows: list[Acceleration]) -> list[str]:
    return [row.runs for row in rows]


def test_a_peer_that_is_imported_already(peer: Peer) -> None:
    module = importlib.import_module("loudpeer")
    original = module.shout, vars(module.Voice)["shout"], vars(module.Voice)["whisper"]
    rows = accelerate("wsproto")
    assert runs(rows) == ["wsfast", "wsfast", "wsfast", "waiting", "peer"]
    assert rows[0] == Acceleration("wsproto", "1.2.3", "loudpeer.shout", "wsfast", "shouts louder")
    assert rows[-1].reason == "loud enough"
    assert module.shout("a") == module.Voice().shout("a") == "A!"
    assert module.Voice.whisper("A") == "a..."
    assert runs(restore("wsproto")) == ["peer"] * 4
    assert (module.shout, vars(module.Voice)["shout"], vars(module.Voice)["whisper"]) == original


def test_a_peer_that_is_imported_later(peer: Peer) -> None:
    assert runs(accelerate("wsproto"))[:4] == ["waiting"] * 4
    assert _seams._finder in sys.meta_path
    module = importlib.import_module("loudpeer")
    assert module.shout("a") == "A!"
    assert type(module.__spec__.loader).__name__ == "SourceFileLoader"
    assert module.__loader__ is module.__spec__.loader
    assert importlib.import_module("latepeer").shout("b") == "B!"
    assert runs(accelerate("wsproto"))[:4] == ["wsfast"] * 4
    assert _seams._finder in sys.meta_path  # they may be loaded again
    restore("wsproto")
    assert _seams._finder not in sys.meta_path


def test_a_module_that_is_only_begun_is_left_for_later(peer: Peer, tmp_path: Path) -> None:
    # As wsproto: the package imports one module, and that the other before it has a name.
    (tmp_path / "loudpeer.py").write_text(f"import latepeer\n{SOURCE}")
    accelerate("wsproto")
    assert importlib.import_module("loudpeer").shout("a") == "A!"
    assert runs(accelerate("wsproto"))[:4] == ["wsfast"] * 4


def test_switching_on_twice_changes_nothing_more(peer: Peer) -> None:
    module = importlib.import_module("loudpeer")
    accelerate("wsproto")
    ours = module.shout
    assert runs(accelerate("wsproto"))[:3] == ["wsfast"] * 3
    assert module.shout is ours
    assert module.shout("a") == "A!"
    restore("wsproto")
    assert restore("wsproto") == []
    assert module.shout("a") == "A"


def test_restoring_before_the_import_leaves_nothing_behind(peer: Peer) -> None:
    accelerate("wsproto")
    restore("wsproto")
    assert _seams._finder not in sys.meta_path
    assert importlib.import_module("loudpeer").shout("a") == "A"


@pytest.mark.parametrize("version", ["1.1.9", "2.0", "2"])
def test_a_version_that_was_not_tested_is_left_alone(
    peer: Peer, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: version)
    module = importlib.import_module("loudpeer")
    (row,) = accelerate("wsproto")
    assert (row.runs, row.version) == ("peer", version)
    assert row.reason == f"version {version} was not tested; supported: from 1.2 on, before 2"
    assert module.shout("a") == "A"


def without_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)


def test_a_peer_that_is_not_installed(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_metadata(monkeypatch)
    (tmp_path / "loudpeer.py").rename(tmp_path / "hidden")
    importlib.invalidate_caches()
    assert accelerate("wsproto") == [Acceleration("wsproto", "", "", "peer", "not installed")]
    # It is installed later, or its directory was not yet known when an interpreter started.
    (tmp_path / "hidden").rename(tmp_path / "loudpeer.py")
    importlib.invalidate_caches()
    monkeypatch.setattr(metadata, "version", lambda name: "1.2.3")
    assert importlib.import_module("loudpeer").shout("a") == "A!"
    assert runs(accelerate("wsproto"))[:4] == ["wsfast"] * 3 + ["waiting"]


def test_a_peer_that_is_installed_later_in_another_version(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    accelerate("wsproto")
    monkeypatch.setattr(metadata, "version", lambda name: "9")
    assert importlib.import_module("loudpeer").shout("a") == "A"
    (row,) = accelerate("wsproto")
    assert row.reason == "version 9 was not tested; supported: from 1.2 on, before 2"


def test_a_peer_is_never_half_accelerated(peer: Peer) -> None:
    module = importlib.import_module("loudpeer")
    del module.Voice.whisper
    original = module.shout
    (row,) = accelerate("wsproto")
    assert row.runs == "peer"
    assert row.reason == "wsproto 1.2.3 differs from what was tested: loudpeer has no Voice.whisper"
    assert module.shout is original


def test_a_fault_of_our_own_does_not_keep_a_peer_from_being_imported(peer: Peer) -> None:
    def broken(original: Any) -> Any:
        raise ImportError("no such thing in there")

    peer.seams[-1].make = broken
    module = importlib.import_module("loudpeer")
    accelerate("wsproto")
    assert module.shout("a") == "A!"
    assert importlib.import_module("latepeer").shout("b") == "B"
    assert module.shout("a") == "A"
    (row,) = accelerate("wsproto")
    assert row.reason == "wsproto 1.2.3 differs from what was tested: no such thing in there"


def test_what_is_missing_in_a_later_module_undoes_the_earlier(peer: Peer, tmp_path: Path) -> None:
    module = importlib.import_module("loudpeer")
    accelerate("wsproto")
    assert module.shout("a") == "A!"
    (tmp_path / "latepeer.py").write_text("nothing = 0\n")
    importlib.import_module("latepeer")
    assert module.shout("a") == "A"
    assert _seams._finder not in sys.meta_path


def test_what_others_put_in_our_place_is_left_there(peer: Peer) -> None:
    module = importlib.import_module("loudpeer")
    accelerate("wsproto")

    def theirs(text: str) -> str:
        return text

    module.shout = theirs
    rows = restore("wsproto")
    assert rows[0].reason == "something else has replaced wsfast's code, and is left there"
    assert module.shout is theirs
    assert module.Voice().shout("a") == "A"


def test_a_name_that_wsfast_does_not_know_changes_nothing(peer: Peer) -> None:
    with pytest.raises(ValueError, match="can't accelerate 'nobody'; it knows aiohttp, autobahn"):
        accelerate("wsproto", "nobody")
    with pytest.raises(ValueError, match="can't accelerate 'nobody'"):
        restore("nobody")
    assert not peer.wanted


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("websocket", "websocket-client"),  # the package that websocket-client installs
        ("geventwebsocket", "gevent-websocket"),
        ("websocket_client", "websocket-client"),
        ("Websockets", "websockets"),
        ("UVICORN", "uvicorn"),
        ("websockts", "websockets"),
        ("tornados", "tornado"),
        ("fastapi", "uvicorn"),
        ("starlette", "uvicorn"),
        ("hypercorn", "wsproto"),
        ("daphne", "autobahn"),
    ],
)
def test_a_name_that_is_nearly_right_is_corrected(name: str, meant: str) -> None:
    for call in (accelerate, restore):
        with pytest.raises(ValueError, match=f"{name!r}; did you mean {meant!r}.*it knows aiohttp"):
            call(name)


@pytest.mark.parametrize("name", ["django", "socketio", "", 5])
def test_a_name_like_no_other_is_not_corrected(name: Any) -> None:
    with pytest.raises(ValueError, match=f"can't accelerate {name!r}; it knows aiohttp"):
        accelerate(name)


def test_status_changes_nothing(peer: Peer) -> None:
    module = importlib.import_module("loudpeer")
    rows = [row for row in status() if row.peer == "wsproto"]
    assert runs(rows) == ["peer"] * 5
    assert rows[0].reason == "not switched on"
    assert module.shout("a") == "A"


def test_threads_switch_on_and_off(peer: Peer) -> None:
    module = importlib.import_module("loudpeer")
    original = module.shout
    faults: list[BaseException] = []

    def flicker() -> None:
        try:
            for _ in range(200):
                accelerate("wsproto")
                assert module.shout("a") in ("A", "A!")
                restore("wsproto")
        except BaseException as fault:  # noqa: BLE001 # handed to the test
            faults.append(fault)

    threads = [threading.Thread(target=flicker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    restore("wsproto")
    assert module.shout is original


def test_other_imports_do_not_wait_for_who_switches(peer: Peer, tmp_path: Path) -> None:
    # They hold the lock of their module, which the switching thread may want to import.
    (tmp_path / "otherpeer.py").write_text("")
    accelerate("wsproto")
    importing = threading.Thread(target=importlib.import_module, args=("otherpeer",), daemon=True)
    with _seams._lock:
        importing.start()
        importing.join(SECONDS)
        assert not importing.is_alive()


@pytest.mark.parametrize("ends_well", [True, False])
def test_a_module_that_another_thread_is_importing(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends_well: bool
) -> None:
    gate = ModuleType("gate")
    begun, go_on = threading.Event(), threading.Event()
    vars(gate).update(begun=begun, go_on=go_on)
    monkeypatch.setitem(sys.modules, "gate", gate)
    end = "" if ends_well else "raise ImportError"
    wait = f"import gate\ngate.begun.set()\ngate.go_on.wait()\n{end}\n"
    (tmp_path / "loudpeer.py").write_text(wait + SOURCE)

    def import_it() -> None:
        with contextlib.suppress(ImportError):
            importlib.import_module("loudpeer")

    def switch_on() -> None:
        rows.extend(accelerate("wsproto"))

    rows: list[Acceleration] = []
    threads = [threading.Thread(target=work, daemon=True) for work in (import_it, switch_on)]
    threads[0].start()
    assert begun.wait(SECONDS)
    threads[1].start()
    # It waits for the import, or has not come to it: both end the same way.
    threads[1].join(0.05)
    go_on.set()
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive()
    assert runs(rows)[:4] == ["wsfast" if ends_well else "waiting"] * 3 + ["waiting"]
    if ends_well:
        assert importlib.import_module("loudpeer").shout("a") == "A!"


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("1.2.3", (1, 2, 3)), ("17.4", (17, 4)), ("6.6rc1", (6, 6)), ("1.dev0", (1,)), ("x", ())],
)
def test_version_numbers(version: str, numbers: tuple[int, ...]) -> None:
    assert version_numbers(version) == numbers


@pytest.mark.parametrize("name", _seams.NAMES)
def test_every_installed_peer_is_as_expected(name: str) -> None:
    peer = _seams._peer(name)
    reason = peer.why_not()
    if reason:
        pytest.skip(f"{name}: {reason}")
    for seam in peer.seams:
        try:
            importlib.import_module(seam.module)
        except ModuleNotFoundError as error:
            pytest.skip(f"{name}: {error}")
        seam.find()
