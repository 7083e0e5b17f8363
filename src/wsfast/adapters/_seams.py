"""Seams: the names in a peer's modules that other code looks up at every call.

    Seam    one name in one module, and what makes its replacement from the original
    Peer    the seams of one distribution, and the versions they were tested with

Seams of modules that are not imported yet are set when they are: a finder at the front
of ``sys.meta_path`` waits for them, and is gone when nobody waits.

Invariant: all that changes a peer, or waits to, happens under one lock; before the first
seam of a peer is set, all of those whose modules are there were found.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from threading import RLock
from types import ModuleType
from typing import Any, Literal

from .._record import Record

NAMES = (
    "aiohttp",
    "autobahn",
    "gevent-websocket",
    "lomond",
    "tornado",
    "websocket-client",
    "websockets",
    "ws4py",
    "wsproto",
)


NOT_INSTALLED = "not installed"


class Acceleration(Record):
    """Say what one seam of a peer runs, and why.

    Attributes:
        peer: its name on the package index.
        version: the version that is installed, ``""`` if none is.
        seam: the module and the name in it, ``""`` if it is about the peer as a whole.
        runs: ``"wsfast"``; ``"peer"`` if the peer's own code does; ``"waiting"`` if wsfast
            will as soon as the module is imported.
        reason: why it is not wsfast, or what wsfast does there.
    """

    __slots__ = __match_args__ = ("peer", "version", "seam", "runs", "reason")

    peer: str
    version: str
    seam: str
    runs: Literal["wsfast", "peer", "waiting"]
    reason: str

    def __init__(
        self,
        peer: str,
        version: str,
        seam: str,
        runs: Literal["wsfast", "peer", "waiting"],
        reason: str,
    ) -> None:
        for name, value in zip(
            self.__match_args__, (peer, version, seam, runs, reason), strict=True
        ):
            object.__setattr__(self, name, value)


class Seam:
    """Name one thing to replace: ``attribute``, a dotted path, in ``module``.

    ``make`` is given the original, as it stands in its module or class, and returns what
    takes its place; ``what`` says in a few words what that does.
    """

    def __init__(self, module: str, attribute: str, make: Callable[[Any], Any], what: str) -> None:
        self.module = module
        self.attribute = attribute
        self.make = make
        self.what = what
        self._set: tuple[Any, str, Any, Any] | None = None  # owner, name, original, ours

    @property
    def name(self) -> str:
        return f"{self.module}.{self.attribute}"

    def find(self) -> tuple[Any, str, Any]:
        """Return where the name stands, the name, and the object, unbound.

        Raises:
            AttributeError: there is no such name.
        """
        *path, last = self.attribute.split(".")
        owner: Any = sys.modules[self.module]
        for step in path:
            owner = getattr(owner, step)
        if last not in vars(owner):
            raise AttributeError(f"{self.module} has no {self.attribute}")
        return owner, last, vars(owner)[last]

    def set(self) -> None:
        if self._set is None:
            owner, name, original = self.find()
            ours = self.make(original)
            setattr(owner, name, ours)
            self._set = owner, name, original, ours

    def undo(self) -> str:
        """Put back the original; return why not, if somebody else replaced ours."""
        if self._set is None:
            return ""
        owner, name, original, ours = self._set
        self._set = None
        if vars(owner).get(name) is not ours:
            return "something else has taken the place of wsfast's, and is left there"
        setattr(owner, name, original)
        return ""

    @property
    def is_set(self) -> bool:
        return self._set is not None


class Peer:
    """List the seams of a distribution.

    Args:
        name: its name on the package index.
        tested: the first version that was tested, and the first that was not.
        seams: what is replaced.
        left_alone: seams that are not, and why.
    """

    def __init__(
        self,
        name: str,
        tested: tuple[str, str],
        seams: Sequence[Seam],
        left_alone: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.name = name
        self.tested = tested
        self.seams = seams
        self.left_alone = left_alone
        self.wanted = False
        self.version = ""
        self.refused = ""

    def why_not(self) -> str:
        """Return why the installed version can't be accelerated; ``""`` if it can."""
        from importlib import metadata  # not at the top: it takes longer than all the rest

        try:
            self.version = metadata.version(self.name)
        except metadata.PackageNotFoundError:
            self.version = ""
            return NOT_INSTALLED
        low, high = self.tested
        if not _numbers(low) <= _numbers(self.version) < _numbers(high):
            return f"version {self.version} was not tested: from {low} on, before {high}"
        return ""

    def want(self) -> None:
        """Be ready to set the seams, unless the version that is installed was not tested.

        A peer that is not installed may still be, or its directory not yet be known, as
        when an interpreter starts: it is judged once it is imported.
        """
        self.refused = self.why_not()
        self.wanted = self.refused in ("", NOT_INSTALLED)

    def set_what_is_there(self, complete: str = "") -> None:
        """Set the seams whose modules are imported: all, or on a fault none.

        Modules that are being imported are left for later, but for the one that is
        ``complete``.
        """
        there = [
            seam
            for seam in self.seams
            if not seam.is_set and (seam.module == complete or _is_imported(seam.module))
        ]
        if there and self.refused:
            self.refused = self.why_not()
            self.wanted = not self.refused
            if self.refused:
                return
        try:
            for seam in there:
                seam.find()
            for seam in there:
                seam.set()
        except Exception as error:  # noqa: BLE001 # else nobody could import the peer
            self.refused = f"{self.name} {self.version} is not as expected: {error}"
            self.wanted = False
            for seam in self.seams:
                seam.undo()

    def rows(self) -> list[Acceleration]:
        """Say how each seam stands."""
        if self.refused:
            return [Acceleration(self.name, self.version, "", "peer", self.refused)]
        rows = [
            Acceleration(
                self.name,
                self.version,
                seam.name,
                "wsfast" if seam.is_set else "waiting" if self.wanted else "peer",
                seam.what if seam.is_set or self.wanted else "not switched on",
            )
            for seam in self.seams
        ]
        rows += [
            Acceleration(self.name, self.version, name, "peer", why)
            for name, why in self.left_alone
        ]
        return rows


def _is_imported(name: str) -> bool:
    """Return whether a module is there, and not only begun (as importlib marks it)."""
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None)
    return module is not None and not getattr(spec, "_initializing", False)


def _numbers(version: str) -> tuple[int, ...]:
    """Return the release numbers that a version begins with."""
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    return tuple(numbers)


def names_in(value: str) -> list[str]:
    """Return the peers that a list with commas names; none for ``all``.

    Raises:
        ValueError: it names none.
    """
    names = [name.strip() for name in value.split(",") if name.strip()]
    if not names:
        raise ValueError(f"'all' or names of peers are needed, of {', '.join(NAMES)}")
    return [] if names == ["all"] else names


class _AfterImport(Loader):
    """Load as the module's own loader does, then set the seams that waited for it."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        # What looks at the module from now on finds it as if we had not been here.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        _imported(module.__name__)


class _Finder(MetaPathFinder):
    """Find the modules that are waited for, by asking the finders behind this one."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        # Without the lock: who imports holds that of a module, which whoever holds ours
        # may be about to import.
        if fullname not in _waiting:
            return None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec: ModuleSpec | None = find(fullname, path, target)
            if spec is not None:
                if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                    spec.loader = _AfterImport(spec.loader)
                return spec
        return None


_lock = RLock()
_finder = _Finder()
_peers: dict[str, Peer] = {}
_waiting: frozenset[str] = frozenset()  # modules


def _peer(name: str) -> Peer:
    if name not in NAMES:
        raise ValueError(f"wsfast can't accelerate {name!r}; it knows {', '.join(NAMES)}")
    if name not in _peers:
        module = importlib.import_module(f"{__package__}.{name.replace('-', '_')}")
        _peers[name] = module.PEER
    return _peers[name]


def _imported(module: str) -> None:
    with _lock:
        for peer in _peers.values():
            if peer.wanted and any(seam.module == module for seam in peer.seams):
                peer.set_what_is_there(complete=module)
        _wait_or_not()


def _wait_or_not() -> None:
    global _waiting
    _waiting = frozenset(
        seam.module
        for peer in _peers.values()
        if peer.wanted
        for seam in peer.seams
        if not seam.is_set
    )
    if _waiting and _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    elif not _waiting and _finder in sys.meta_path:
        sys.meta_path.remove(_finder)


def _let_imports_end(peers: Sequence[Peer]) -> None:
    """Wait for modules that other threads began to import before the finder was there.

    Not under the lock, which they need to go on.
    """
    for module in {seam.module for peer in peers if peer.wanted for seam in peer.seams}:
        if module in sys.modules and not _is_imported(module):
            with contextlib.suppress(Exception):  # whoever imports it is told
                importlib.import_module(module)


def accelerate(*peers: str) -> list[Acceleration]:
    """Let peers run on wsfast, be they imported already or later.

    Args:
        peers: names of distributions; none stands for every supported one.

    Returns:
        How each seam stands.  A peer that is not installed, or in a version that was not
        tested, is left as it is, and the reason is there.

    Raises:
        ValueError: a name is not one that wsfast knows; nothing was changed.
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
    """Give peers their own code back.

    Args:
        peers: names of distributions; none stands for every supported one.

    Returns:
        How each seam of those that were accelerated stands.

    Raises:
        ValueError: a name is not one that wsfast knows; nothing was changed.
    """
    with _lock:
        chosen = [_peer(name) for name in peers or _peers]
        rows = []
        for peer in chosen:
            if not peer.wanted:
                continue
            peer.wanted = False
            reasons = [seam.undo() for seam in reversed(peer.seams)][::-1]
            rows += [
                Acceleration(peer.name, peer.version, seam.name, "peer", reason or "restored")
                for seam, reason in zip(peer.seams, reasons, strict=True)
            ]
        _wait_or_not()
        return rows


def status() -> list[Acceleration]:
    """Say how each seam of every supported peer stands; change nothing."""
    with _lock:
        rows = []
        for name in NAMES:
            peer = _peer(name)
            why_not = "" if peer.wanted else peer.why_not()
            if why_not:
                rows.append(Acceleration(peer.name, peer.version, "", "peer", why_not))
            else:
                rows += peer.rows()
        return rows
