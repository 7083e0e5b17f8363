"""Immutable value objects: the events of decoders, and reports.

Invariant: a record never changes after its ``__init__``; equal records are of one
class and have equal fields.  (A plain base class instead of ``dataclasses``, whose
import takes longer than that of all of wsfast.)
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn
    from typing import Generic as Generic
else:

    class Generic:
        """A stand-in for ``typing.Generic``: only type checkers see the real one."""

        __slots__ = ()

        def __class_getitem__(cls, item: object, /) -> type:
            return cls


class Record:
    """A value with the fields that ``__match_args__`` names, in that order."""

    __slots__ = ()
    __match_args__: tuple[str, ...] = ()

    def _values(self) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in self.__match_args__])

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(
            f"attribute {name!r} of {type(self).__name__!r} objects is not writable"
        )

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"attribute {name!r} of {type(self).__name__!r} objects is not writable"
        )

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self).__name__, *self._values()))

    def __repr__(self) -> str:
        fields = ", ".join(
            [
                f"{name}={value!r}"
                for name, value in zip(self.__match_args__, self._values(), strict=True)
            ]
        )
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return type(self), self._values()
