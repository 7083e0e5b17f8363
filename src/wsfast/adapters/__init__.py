"""Switch wsfast on under the libraries that people already run, and off again.

    import wsfast
    wsfast.accelerate()             # every supported library, imported already or later
    wsfast.accelerate("wsproto")    # only this one

Each module of a library (a "peer" here) lists its seams, and has what replaces them.

Invariant: a library is accelerated as a whole or left as it is; ``restore`` puts the original
objects back.
"""

from __future__ import annotations

from ._seams import Acceleration, accelerate, restore, status

__all__ = ["Acceleration", "accelerate", "restore", "status"]
