"""Switch wsfast on under the libraries that people already run, and off again.

    import wsfast
    wsfast.accelerate()             # every supported peer, imported already or later
    wsfast.accelerate("wsproto")    # only this one

Each module beside this one is a peer: a list of its seams, and what takes their place.

Invariant: a peer is accelerated as a whole or left as it is; ``restore`` puts back the
very objects that were there.
"""

from __future__ import annotations

from ._seams import Acceleration, accelerate, restore, status

__all__ = ["Acceleration", "accelerate", "restore", "status"]
