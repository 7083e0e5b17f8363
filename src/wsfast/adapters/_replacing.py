"""What is replaced in a library: the names that other code looks up at every call.

    Seam    one name in one module, and the function that makes its replacement
    Item    the same for an item of a dict in a module
    Peer    the seams of one library, and the versions that they were tested with

Invariant: a seam counts as set only while the name holds our replacement.  No seam of a
library is set unless all seams in its imported modules were found.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Literal, NamedTuple

from .._backend import backend
from .._record import Record
from ._versions import NOT_IMPORTED, NOT_INSTALLED, find_version, version_numbers

TAKEN = "something else has replaced wsfast's code, and is left there"
ONLY_NATIVE = "left unchanged: only the compiled codec is faster"
MISSED = "imported without wsfast's import hook: call accelerate() again"


class Acceleration(Record):
    """What one function of a library runs, and why.

    Attributes:
        peer: the library's name on the package index.
        version: the installed version; ``""`` if it is not installed.
        seam: the function or class, with its module; ``""`` if the row is about the library
            as a whole.
        runs: ``"wsfast"``; ``"peer"`` for the library's own code; ``"waiting"`` if wsfast will
            run as soon as the module is imported.
        reason: why wsfast doesn't run, or what it does there.
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


class _Placed(NamedTuple):
    """A replacement that was set in a module, a class or a dict."""

    owner: Any
    name: str
    original: Any
    ours: Any


class Seam:
    """One thing to replace: ``attribute``, a dotted path, in ``module``.

    Args:
        module: the module that has it.
        attribute: its name in the module.
        make: a function that gets the original, as it is in its module or class, and returns
            the replacement.
        what: what the replacement does, in a few words.
        pure: whether to set it with the pure-Python codec too.  That is usually slower than
            the library's own code, so use this only for seams that repair or log a close code.
    """

    def __init__(
        self,
        module: str,
        attribute: str,
        make: Callable[[Any], Any],
        what: str,
        *,
        pure: bool = False,
    ) -> None:
        self.module = module
        self.attribute = attribute
        self.make = make
        self.what = what
        self.pure = pure
        self._placed: list[_Placed] = []  # more than one if the module was loaded again

    @property
    def name(self) -> str:
        return f"{self.module}.{self.attribute}"

    @property
    def pays(self) -> bool:
        """Whether to set it with the codec in use."""
        return self.pure or backend().name == "native"

    def find(self) -> tuple[Any, str, Any]:
        """Return the owner of the name, the name, and the object, unbound.

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

    def _get(self, owner: Any, name: str) -> Any:
        return vars(owner).get(name)

    def _put(self, owner: Any, name: str, value: Any) -> None:
        setattr(owner, name, value)

    @property
    def is_imported(self) -> bool:
        """Whether the module is imported completely (importlib marks one that is not)."""
        module = sys.modules.get(self.module)
        if module is None or is_lazy(module):
            return False
        return not is_begun(module)

    def _look(self) -> tuple[_Placed | None, Any]:
        """Return our replacement in the current owner of the name, if any, and what is there."""
        if not self.is_imported:
            return None, None
        try:
            owner, _, found = self.find()
        except AttributeError:
            return None, None
        return next((p for p in self._placed if p.owner is owner), None), found

    @property
    def is_set(self) -> bool:
        """Whether the name holds our replacement now."""
        placed, found = self._look()
        return placed is not None and found is placed.ours

    @property
    def is_taken(self) -> bool:
        """Whether other code has replaced our replacement."""
        placed, found = self._look()
        return placed is not None and found is not placed.ours and not _same(found, placed.original)

    def set(self) -> None:
        """Set our replacement, unless it is set, or other code has replaced it."""
        if self.is_set or self.is_taken:
            return
        owner, name, original = self.find()
        ours = self.make(original)
        self._put(owner, name, ours)
        self._placed = [p for p in self._placed if p.owner is not owner]
        self._placed.append(_Placed(owner, name, original, ours))

    def undo(self) -> str:
        """Put the original back; if other code has replaced ours, return that as the reason."""
        reason = ""
        for placed in self._placed:
            found = self._get(placed.owner, placed.name)
            if found is placed.ours:
                self._put(placed.owner, placed.name, placed.original)
            elif not _same(found, placed.original):
                reason = TAKEN
        self._placed.clear()
        return reason


class Item(Seam):
    """One item of a dict: ``attribute`` is the dict's name, ``key`` the item's."""

    def __init__(
        self,
        module: str,
        attribute: str,
        key: str,
        make: Callable[[Any], Any],
        what: str,
        *,
        pure: bool = False,
    ) -> None:
        super().__init__(module, attribute, make, what, pure=pure)
        self.key = key

    @property
    def name(self) -> str:
        return f'{self.module}.{self.attribute}["{self.key}"]'

    def find(self) -> tuple[Any, str, Any]:
        owner = super().find()[2]
        if self.key not in owner:
            raise AttributeError(f"{self.module} has no {self.attribute}[{self.key!r}]")
        return owner, self.key, owner[self.key]

    def _get(self, owner: Any, name: str) -> Any:
        return owner.get(name)

    def _put(self, owner: Any, name: str, value: Any) -> None:
        owner[name] = value


def is_lazy(module: ModuleType) -> bool:
    """Return whether ``importlib.util.LazyLoader`` loads it on the first access."""
    # isinstance() would be an access.
    util = sys.modules.get("importlib.util")
    return util is not None and type(module) is getattr(util, "_LazyModule", None)


def is_begun(module: ModuleType | None) -> bool:
    """Return whether the module is being imported; importlib marks it."""
    if module is None or is_lazy(module):
        return False
    return bool(getattr(vars(module).get("__spec__"), "_initializing", False))


def _same(found: Any, original: Any) -> bool:
    """Return whether both are the library's: one object, or one definition executed twice."""
    if found is original or found is None:
        return True
    names = ("__module__", "__qualname__")
    return type(found) is type(original) and all(
        getattr(found, name, None) == getattr(original, name, found) for name in names
    )


class Peer:
    """The seams of one library.

    Args:
        name: its name on the package index.
        tested: the first version that was tested, and the first that was not.
        seams: what is replaced.
        left_alone: names that are not replaced, and why.
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
        self.package = seams[0].module.partition(".")[0]
        self.wanted = False
        self.version = ""
        self.refused = ""

    def why_not(self) -> str:
        """Return why the installed version can't be accelerated; ``""`` if it can."""
        self.version, reason = find_version(self.name, self.package)
        if reason:
            return reason
        low, high = self.tested
        if not version_numbers(low) <= version_numbers(self.version) < version_numbers(high):
            return f"version {self.version} was not tested; supported: from {low} on, before {high}"
        return ""

    def want(self) -> None:
        """Prepare to set the seams, unless the installed version was not tested.

        A library that is not found now may be installed later, or its directory may not be
        known yet while the interpreter starts: its version is checked when it is imported.
        """
        self.refused = self.why_not()
        self.wanted = self.refused in ("", NOT_INSTALLED, NOT_IMPORTED)

    @property
    def is_asked(self) -> bool:
        """Whether it is to be accelerated, even if that turned out to be impossible."""
        return self.wanted or bool(self.refused)

    def modules(self) -> set[str]:
        """Return the modules to wait for; the package itself tells its version."""
        paying = {seam.module for seam in self.seams if seam.pays}
        return {self.package, *paying} if paying else paying

    def set_what_is_there(self, complete: str = "") -> None:
        """Set the seams whose modules are imported: all that pay, or none if one fails.

        Modules that are being imported are left for later, except the one that is
        ``complete``.
        """
        there = [
            seam
            for seam in self.seams
            if seam.pays and (seam.is_imported or seam.module == complete)
        ]
        if there and self.refused:
            self.refused = self.why_not()
            self.wanted = self.refused in ("", NOT_IMPORTED)
            if self.refused:
                return
        try:
            for seam in there:
                seam.find()
            for seam in there:
                seam.set()
        except Exception as error:  # noqa: BLE001 # otherwise importing the library would fail
            self.refused = f"{self.name} {self.version} differs from what was tested: {error}"
            self.wanted = False
            for seam in self.seams:
                seam.undo()

    def _row(self, seam: Seam) -> Acceleration:
        runs: Literal["wsfast", "peer", "waiting"] = "peer"
        if seam.is_set:
            runs, reason = "wsfast", seam.what
        elif not seam.pays:
            reason = ONLY_NATIVE
        elif not self.wanted:
            reason = "not switched on"
        elif not seam.is_imported:
            runs, reason = "waiting", seam.what
        else:
            reason = TAKEN if seam.is_taken else MISSED
        return Acceleration(self.name, self.version, seam.name, runs, reason)

    def rows(self) -> list[Acceleration]:
        """Return the state of each seam."""
        if self.refused and self.refused != NOT_IMPORTED:
            return [Acceleration(self.name, self.version, "", "peer", self.refused)]
        return [self._row(seam) for seam in self.seams] + [
            Acceleration(self.name, self.version, name, "peer", why)
            for name, why in self.left_alone
        ]
