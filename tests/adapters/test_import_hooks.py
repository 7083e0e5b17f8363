"""What a seam says and does when modules are loaded again, or by other import hooks.

Invariant: ``status()`` says "wsfast" for a name only while it holds wsfast's replacement.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from helpers import python
from test_seams import SOURCE, louder, louder_static, runs, without_metadata
from wsfast import accelerate, restore
from wsfast.adapters import _seams, status
from wsfast.adapters._seams import Item, Peer, Seam


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    """A library named wsproto: a package of two modules, which says its version itself."""
    package = tmp_path / "loudly"
    package.mkdir()
    (package / "__init__.py").write_text("from . import voice\n__version__ = '1.2.3'\n")
    (package / "voice.py").write_text(f"{SOURCE}\nCHOICES = {{'auto': 'quiet'}}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    without_metadata(monkeypatch)
    made = Peer(
        "wsproto",
        ("1.2", "2"),
        [
            Seam("loudly.voice", "shout", louder, "shouts louder"),
            Seam("loudly.voice", "Voice.shout", louder, "shouts louder"),
            Seam("loudly.voice", "Voice.whisper", louder_static, "trails off"),
            Item("loudly.voice", "CHOICES", "auto", lambda _: "loud", "is loud"),
        ],
    )
    monkeypatch.setitem(_seams._peers, "wsproto", made)
    yield made
    restore("wsproto")
    forget()


def forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "loudly"]:
        del sys.modules[name]


def said() -> list[str]:
    return runs([row for row in status() if row.peer == "wsproto"])


def voice() -> Any:
    return importlib.import_module("loudly.voice")


ALL = ["wsfast"] * 4


@pytest.mark.parametrize("again", ["reload", "purge"])
def test_a_module_that_is_loaded_again_is_accelerated_again(peer: Peer, again: str) -> None:
    first = voice()
    accelerate("wsproto")
    old = first.Voice
    if again == "reload":
        second = importlib.reload(first)
    else:
        forget()
        assert said() == ["waiting"] * 4
        second = voice()
    assert second.shout("a") == second.Voice().shout("a") == old().shout("a") == "A!"
    assert second.CHOICES == {"auto": "loud"}
    assert said() == ALL
    restore("wsproto")
    assert second.shout("a") == second.Voice().shout("a") == old().shout("a") == "A"
    assert second.CHOICES == {"auto": "quiet"}
    assert second.shout.__module__ == "loudly.voice"


@pytest.mark.parametrize("again", ["reload", "purge"])
def test_a_module_that_is_loaded_past_the_hook_is_told_and_set_at_the_next_call(
    peer: Peer, again: str
) -> None:
    module = voice()
    accelerate("wsproto")
    sys.meta_path.remove(_seams._finder)
    if again == "reload":
        importlib.reload(module)
    else:
        forget()
        module = voice()
    rows = [row for row in status() if row.peer == "wsproto"]
    assert runs(rows) == ["peer"] * 4
    assert rows[0].reason == "imported without wsfast's import hook: call accelerate() again"
    assert module.shout("a") == "A"
    assert runs(accelerate("wsproto")) == ALL
    assert module.shout("a") == module.Voice().shout("a") == "A!"
    assert module.CHOICES == {"auto": "loud"}
    restore("wsproto")
    assert module.shout("a") == module.Voice().shout("a") == "A"
    assert module.CHOICES == {"auto": "quiet"}


def test_what_others_put_in_our_place_is_told_and_left_by_both(peer: Peer) -> None:
    module = voice()
    accelerate("wsproto")

    def theirs(text: str) -> str:
        return text

    module.shout = theirs
    module.CHOICES["auto"] = "theirs"
    rows = accelerate("wsproto")
    assert runs(rows) == ["peer", "wsfast", "wsfast", "peer"]
    assert rows[0].reason == "something else has replaced wsfast's code, and is left there"
    assert module.shout is theirs
    assert [row.reason for row in restore("wsproto")] == [
        rows[0].reason,
        "restored",
        "restored",
        rows[0].reason,
    ]
    assert module.shout is theirs
    assert module.CHOICES == {"auto": "theirs"}


def test_what_is_put_back_by_others_is_accelerated_again(peer: Peer) -> None:
    module = voice()
    original = module.shout
    accelerate("wsproto")
    module.shout = original  # as a test does that had replaced it before
    assert said()[0] == "peer"
    accelerate("wsproto")
    assert module.shout("a") == "A!"
    restore("wsproto")
    assert module.shout is original


class Greedy:
    """A finder that finds every module of a path by itself, as instrumenting ones do."""

    def __init__(self, only: str = "") -> None:
        self.only = only

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return PathFinder.find_spec(name, path, target) if name.startswith(self.only) else None


class Chained:
    """A finder that asks all the others, ours too."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        for finder in sys.meta_path:
            if finder is not self and (spec := finder.find_spec(name, path, target)):
                return spec
        return None


class Lazy(Chained):
    """A finder whose modules are loaded when somebody looks at them."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = super().find_spec(name, path, target)
        if name.startswith("loudly.") and spec is not None and spec.loader is not None:
            spec.loader = importlib.util.LazyLoader(spec.loader)
        return spec


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Put a finder in front of all, for the time of a test."""

    def put(finder: Any) -> None:
        sys.meta_path.insert(0, finder)

    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    return put


def test_a_finder_in_front_that_takes_only_some_modules(
    peer: Peer, hook: Callable[[Any], None], tmp_path: Path
) -> None:
    accelerate("wsproto")
    hook(Greedy("loudly"))
    module = voice()
    assert module.shout("a") == "A"
    (tmp_path / "quietly.py").write_text("")
    importlib.import_module("quietly")  # ours is asked, catches up and goes to the front
    assert module.shout("a") == "A!"
    assert said() == ALL
    assert sys.meta_path[0] is _seams._finder
    del sys.modules["quietly"]


def test_a_finder_in_front_that_takes_every_module(peer: Peer, hook: Callable[[Any], None]) -> None:
    accelerate("wsproto")
    hook(Greedy())
    module = voice()
    # Not waiting for ever.  An import that this finder does not find, of a built-in module
    # by another thread, comes to ours, which then sees what it has missed.
    assert said() in (["peer"] * 4, ALL)
    assert runs(accelerate("wsproto")) == ALL
    assert module.shout("a") == "A!"


def test_a_finder_in_front_that_asks_the_others(peer: Peer, hook: Callable[[Any], None]) -> None:
    accelerate("wsproto")
    hook(Chained())
    assert voice().shout("a") == "A!"
    assert said() == ALL


@pytest.mark.parametrize("first", [True, False])
def test_a_lazy_loader(
    peer: Peer, hook: Callable[[Any], None], tmp_path: Path, first: bool
) -> None:
    (tmp_path / "loudly" / "__init__.py").write_text("__version__ = '1.2.3'\n")
    if first:
        hook(Lazy())
    accelerate("wsproto")
    if not first:
        hook(Lazy())
    lazy = voice()
    assert said() == ["waiting"] * 4
    accelerate("wsproto")
    assert "shout" not in object.__getattribute__(lazy, "__dict__")  # it still is
    assert lazy.shout("a") == "A!"
    assert said() == ALL


def test_the_loader_is_as_it_would_be_for_all_that_look_at_it(peer: Peer) -> None:
    accelerate("wsproto")
    spec = importlib.util.find_spec("loudly")
    assert spec is not None
    assert isinstance(spec.loader, importlib.machinery.SourceFileLoader)
    assert "__version__" in (spec.loader.get_source("loudly") or "")
    assert spec.loader.is_package("loudly")
    module = importlib.import_module("loudly")
    assert type(module.__loader__) is importlib.machinery.SourceFileLoader


def test_a_package_that_says_its_version_last_is_judged_then(peer: Peer) -> None:
    assert runs(accelerate("wsproto")) == ["waiting"] * 4
    assert voice().shout("a") == "A!"
    (row, *_) = [row for row in status() if row.peer == "wsproto"]
    assert (row.version, row.runs) == ("1.2.3", "wsfast")


def test_a_package_that_says_no_version_is_left_alone(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "loudly" / "__init__.py").write_text("from . import voice\n")
    accelerate("wsproto")
    assert voice().shout("a") == "A"
    (row,) = accelerate("wsproto")
    assert row.reason == (
        "its version is unknown: neither its metadata nor its __version__ is there"
    )


def test_another_version_without_metadata_is_refused(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "loudly" / "__init__.py").write_text("from . import voice\n__version__ = '3'\n")
    accelerate("wsproto")
    assert voice().shout("a") == "A"
    (row,) = accelerate("wsproto")
    assert row.reason == "version 3 was not tested; supported: from 1.2 on, before 2"


def test_a_bare_directory_is_no_library(peer: Peer, tmp_path: Path) -> None:
    for path in (tmp_path / "loudly").iterdir():
        path.unlink()
    importlib.invalidate_caches()
    (row,) = accelerate("wsproto")
    assert row.reason == "not installed"


def test_websockets_itself_reloaded_and_purged() -> None:
    pytest.importorskip("websockets")
    code = """
import importlib, sys, wsfast, websockets.protocol
from wsfast.adapters import status
def check():
    for row in status():
        if row.peer == "websockets" and row.runs == "wsfast":
            owner = sys.modules["websockets." + row.seam.split(".")[1]]
            for name in row.seam.split(".")[2:]:
                owner = getattr(owner, name, None) or getattr(importlib.import_module(
                    ".".join(row.seam.split(".")[:3])), name)
            assert owner.__globals__["__name__"].startswith("wsfast."), row
    return sum(row.runs == "wsfast" for row in status() if row.peer == "websockets")
wsfast.accelerate("websockets")
print(check() > 0)
importlib.reload(websockets.protocol)
wsfast.accelerate("websockets")
print(check() > 0)
for name in [n for n in sys.modules if n.partition(".")[0] == "websockets"]:
    del sys.modules[name]
print(check())
import websockets.protocol
wsfast.accelerate("websockets")
print(check() > 0)
"""
    done = python(code)
    if "native" not in python("import wsfast; print(wsfast.backend().name)").stdout:
        pytest.skip("needs the compiled codec")
    assert done.stdout.split() == ["True", "True", "0", "True"], done.stderr
