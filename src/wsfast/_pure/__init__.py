"""The pure-Python codec, for installations without the extension: same names, same results.

Invariant: ``__all__`` is the same as in the compiled twin.
"""

# ruff: noqa: F403 # each module lists its own names

from . import classes, frames, mask, messages, sink, utf8
from .classes import *
from .frames import *
from .mask import *
from .messages import *
from .sink import *
from .utf8 import *

TYPE_CHECKING = False
if not TYPE_CHECKING:  # mypy doesn't understand a computed list, and needs none
    __all__ = [name for m in (classes, frames, mask, messages, sink, utf8) for name in m.__all__]
