"""Whether classes have changed, for adapters that bypass methods of a library's classes.

Invariant: a class that has changed never counts as the same; one that has not may count as
changed.
"""

from __future__ import annotations

from .._arguments import check_classes

__all__ = ["ClassState"]


class ClassState:
    """The state of some classes: which attributes they and their bases have.

    Args:
        classes: one to eight classes.

    Raises:
        TypeError: one of them is not a class.
        ValueError: there are more than eight, or none.
    """

    __slots__ = ()

    def __init__(self, *classes: type) -> None:
        check_classes(classes)

    def is_same(self) -> bool:
        """Return whether no attribute of the classes or of their bases has been set since.

        Also ``False`` if that is unknown: always without the compiled codec, and for a class
        with a metaclass.
        """
        return False
