"""Switch acceleration of libraries on and off, before or after they are imported.

If a module is not imported yet, its seams are set when it is: a finder at the front of
``sys.meta_path`` waits for it.  The finder stays while any library is accelerated, because
a module may be loaded again.

Invariant: everything that changes a library, or waits to do so, happens under one lock.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from threading import RLock, local
from types import ModuleType
from typing import Any, cast

from ._libraries import NAMES, RUNS_ON, load
from ._replacing import Acceleration, Item, Peer, Seam, is_begun, is_lazy
from ._versions import NOT_IMPORTED

__all__ = ["NAMES", "Acceleration", "Item", "Peer", "Seam", "accelerate", "restore", "status"]


def names_in(value: str) -> list[str]:
    """Return the libraries that a comma-separated list names; an empty list for ``all``.

    Raises:
        ValueError: the list is empty, or names a library that wsfast doesn't know.
    """
    names = [name.strip() for name in value.split(",") if name.strip()]
    if not names:
        raise ValueError(f"needs 'all' or names of libraries: {', '.join(NAMES)}")
    if names == ["all"]:
        return []
    for name in names:
        _check(name)
    return names


def _check(name: str) -> None:
    if name not in NAMES:
        meant = _meant(name)
        hint = f"did you mean {meant!r}? " if meant else ""
        raise ValueError(f"wsfast can't accelerate {name!r}; {hint}it knows {', '.join(NAMES)}")


def _meant(name: str) -> str:
    """Return the library that was probably meant by a wrong name; "" if there is none."""
    from difflib import get_close_matches  # not at the top: only needed for a wrong name

    name = str(name).lower().replace("_", "-")
    close = get_close_matches(name, NAMES, n=1, cutoff=0.75)
    for known in NAMES:
        if name in (known, _peer(known).package):
            return known
    return RUNS_ON.get(name) or (close[0] if close else "")


class _AfterImport:
    """A wrapper of a module's own loader, which then sets the seams that waited for the module.

    Everything else is done by the loader itself.
    """

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    @property  # type: ignore[misc] # for code that asks which kind of loader it is
    def __class__(self) -> Any:
        return type(self._loader)

    def exec_module(self, module: ModuleType) -> None:
        # From now on, the module looks as if wsfast had not been involved.
        name, spec = module.__name__, module.__spec__
        module.__loader__ = self._loader
        if spec is not None:
            spec.loader = self._loader
        self._loader.exec_module(module)
        if is_lazy(module) and spec is not None:
            spec.loader = cast(Any, _AfterImport(spec.loader))  # it loads the module later
        else:
            _imported(name)


class _Finder(MetaPathFinder):
    """A finder for the modules that seams wait for; it asks the other finders."""

    def __init__(self) -> None:
        self._asked = local()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        # Don't wait for our lock here: the importing thread holds a module lock that the
        # holder of ours may need.
        if sys.meta_path[0] is not self:
            _come_first()
        asked = self._asked.__dict__
        if fullname not in _waiting or fullname in asked:
            return None
        asked[fullname] = True  # another finder may ask all finders, this one too
        try:
            spec = self._of_others(fullname, path, target)
        finally:
            del asked[fullname]
        loader: Any = getattr(spec, "loader", None)
        if spec is not None and hasattr(loader, "exec_module") and type(loader) is not _AfterImport:
            spec.loader = cast(Any, _AfterImport(loader))
        return spec

    def _of_others(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            if finder is not self and find is not None:
                spec: ModuleSpec | None = find(fullname, path, target)
                if spec is not None:
                    return spec
        return None


_lock = RLock()
_finder = _Finder()
_peers: dict[str, Peer] = {}
_waiting: frozenset[str] = frozenset()  # modules


def _come_first() -> None:
    """Go back to the front of the finders, and set the seams of modules missed meanwhile."""
    if not _lock.acquire(blocking=False):
        return  # the next import tries again
    try:
        if _finder in sys.meta_path:
            sys.meta_path.remove(_finder)
            sys.meta_path.insert(0, _finder)
        for peer in _peers.values():
            if peer.wanted:
                peer.set_what_is_there()
    finally:
        _lock.release()


def _peer(name: str) -> Peer:
    _check(name)
    if name not in _peers:
        _peers[name] = load(name)
    return _peers[name]


def _imported(module: str) -> None:
    with _lock:
        for peer in _peers.values():
            if peer.wanted and module in peer.modules():
                peer.set_what_is_there(complete=module)
        _wait_or_not()


def _wait_or_not() -> None:
    global _waiting
    _waiting = frozenset().union(*(peer.modules() for peer in _peers.values() if peer.wanted))
    if _waiting and _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    elif not _waiting and _finder in sys.meta_path:
        sys.meta_path.remove(_finder)


def _let_imports_end(peers: Sequence[Peer]) -> None:
    """Wait for modules that other threads began to import before the finder was there.

    Don't hold the lock here: those threads may need it to continue.
    """
    for module in {module for peer in peers if peer.wanted for module in peer.modules()}:
        if is_begun(sys.modules.get(module)):
            with contextlib.suppress(Exception):  # the importing thread gets the exception
                importlib.import_module(module)


def accelerate(*peers: str) -> list[Acceleration]:
    """Make libraries run on wsfast, whether they are already imported or not.

    Without the compiled codec (see ``backend()``) only functions that send or log close codes
    are replaced, because the others would get slower.

    Args:
        peers: the libraries' names on the package index, such as ``"websocket-client"``;
            without names, every supported library.

    Returns:
        One ``Acceleration`` for each replaced function.  A library that is not installed, or
        has an untested version, is left unchanged; ``reason`` says so.

    Raises:
        ValueError: wsfast doesn't know one of the names; nothing was changed.
    """
    with _lock:
        chosen = [_peer(name) for name in peers or NAMES]
        for peer in chosen:
            if not peer.wanted:
                peer.want()
        _wait_or_not()
    _let_imports_end(chosen)
    with _lock:
        rows = []
        for peer in chosen:
            if peer.wanted:
                peer.set_what_is_there()
            rows += peer.rows()
        _wait_or_not()
        return rows


def restore(*peers: str) -> list[Acceleration]:
    """Give libraries their own code back.

    Args:
        peers: the libraries' names on the package index; without names, all that were
            accelerated.

    Returns:
        One ``Acceleration`` for each function that had been replaced.

    Raises:
        ValueError: wsfast doesn't know one of the names; nothing was changed.
    """
    with _lock:
        chosen = [_peer(name) for name in peers or _peers]
        rows = []
        for peer in chosen:
            if not peer.wanted:
                continue
            peer.wanted, peer.refused = False, ""
            reasons = [seam.undo() for seam in reversed(peer.seams)][::-1]
            rows += [
                Acceleration(peer.name, peer.version, seam.name, "peer", reason or "restored")
                for seam, reason in zip(peer.seams, reasons, strict=True)
            ]
        _wait_or_not()
        return rows


def status() -> list[Acceleration]:
    """Return what each replaceable function of every supported library runs; change nothing."""
    with _lock:
        rows = []
        for name in NAMES:
            peer = _peer(name)
            why_not = "" if peer.wanted else peer.why_not()
            if why_not and why_not != NOT_IMPORTED:
                rows.append(Acceleration(peer.name, peer.version, "", "peer", why_not))
            else:
                rows += peer.rows()
        return rows
