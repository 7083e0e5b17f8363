"""Accelerate libraries when the interpreter starts, as ``WSFAST_ACCELERATE`` says.

Imported by the line in ``wsfast-accelerate.pth``, and only if the variable is set: to
``all``, or to names separated by commas.

Invariant: an error is one line on standard error; the interpreter starts anyway.
"""

from __future__ import annotations

import os
import sys


def start(value: str) -> None:
    """Accelerate the libraries that the variable names."""
    try:
        from ._seams import accelerate, names_in

        accelerate(*names_in(value))
    except Exception as error:  # noqa: BLE001 # the interpreter must start, whatever is wrong
        print(f"WSFAST_ACCELERATE={value}: {error}", file=sys.stderr)


if "WSFAST_ACCELERATE" in os.environ:
    start(os.environ["WSFAST_ACCELERATE"])
