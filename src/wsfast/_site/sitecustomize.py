"""Accelerate as ``WSFAST_ACCELERATE`` says, where wsfast's ``.pth`` file is not processed.

``wsfast run`` puts this directory into ``PYTHONPATH`` if wsfast was installed without that
file: editable, with ``--target``, in a zip file.

Invariant: the program finds ``sys.path`` as if this file did not exist, and its own
``sitecustomize``, if it has one, has run.
"""

import os
import sys


def _start() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != here]
    if os.environ.get("WSFAST_ACCELERATE"):
        parent = os.path.dirname(os.path.dirname(here))
        sys.path.insert(0, parent)
        try:
            import wsfast.adapters._startup  # noqa: F401 # importing it is what does it
        except Exception as error:  # noqa: BLE001 # the program runs all the same
            print(f"wsfast accelerates nothing: {error}", file=sys.stderr)
        finally:
            sys.path.remove(parent)


def _go_on() -> None:
    ours = sys.modules.pop("sitecustomize")
    try:
        import sitecustomize  # type: ignore[import-not-found] # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "sitecustomize":
            raise
        sys.modules["sitecustomize"] = ours


if __name__ == "sitecustomize":
    try:
        _start()
    finally:
        _go_on()
