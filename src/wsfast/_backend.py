"""Pick the compiled codec or the one in Python, once, and say which and why.

``WSFAST_BACKEND=native`` or ``pure`` forces one; ``WSFAST_KERNEL`` names a kernel of
the compiled one.

Invariant: only an extension that is not there leads to the codec in Python.  One that
is there and does not load is an error: never a slow path that nobody notices.
"""

from __future__ import annotations

import importlib
import os
import sys

from ._record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn

_EXTENSION = f"{__package__}._native.core"


def _choose() -> str:
    """Return why the compiled codec is not used; "" if it is."""
    wanted = os.environ.get("WSFAST_BACKEND", "")
    if wanted not in ("", "native", "pure"):
        _refuse(f"WSFAST_BACKEND must be 'native' or 'pure', not {wanted!r}")
    if wanted == "pure":
        return "WSFAST_BACKEND=pure"
    try:
        importlib.import_module(_EXTENSION)
    except ModuleNotFoundError as error:
        if error.name != _EXTENSION or wanted == "native":
            raise
        return f"the compiled extension is not installed{_why_not_built()}"
    except ImportError as error:
        if str(error).startswith("WSFAST_KERNEL="):
            _refuse(str(error))
        raise
    return ""


def _refuse(text: str) -> NoReturn:
    """Say what is wrong with a variable: on one line where the wsfast command is run.

    Raises:
        ImportError: at the import of wsfast.
        SystemExit: the command ends, before any of its own code could run.
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        code, module = frame.f_code, frame.f_globals.get("__name__")
        if module == "site":
            break  # the interpreter is to start
        script = os.path.basename(code.co_filename).partition(".")[0]
        if (module == "__main__" and script in ("wsfast", "wsfast-script")) or (
            (module, code.co_name) == ("runpy", "_run_module_as_main")
            and frame.f_locals.get("mod_name") == __package__
        ):
            print(f"wsfast: {text}", file=sys.stderr)
            raise SystemExit(2)
        frame = frame.f_back
    raise ImportError(text)


def _why_not_built() -> str:
    """Return what setup.py wrote down if it went on without a compiler."""
    try:
        not_built = importlib.import_module(f"{__package__}._native._not_built")
    except ModuleNotFoundError:
        return ""
    return f": it could not be built: {not_built.REASON}"


_REASON = _choose()

# Each twin has the list of its names.  The types come from the one in Python, so that they
# are written once.
if TYPE_CHECKING or _REASON:
    from ._pure import *  # noqa: F403 # its __all__ is the one list of its names
else:
    from ._native.core import *  # noqa: F403 # likewise; a test compares the two


class BackendInfo(Record):
    """What runs, and why.

    Attributes:
        name: ``"native"`` or ``"pure"``.
        kernel: the kernel in use; ``""`` without the extension.
        kernels: the kernels that this CPU can run, the slowest first.
        cpu_features: the CPU features that kernels use and that are available here.
        reason: why the compiled codec is not used; ``""`` if it is.
    """

    __slots__ = __match_args__ = ("name", "kernel", "kernels", "cpu_features", "reason")

    name: str
    kernel: str
    kernels: tuple[str, ...]
    cpu_features: tuple[str, ...]
    reason: str

    def __init__(
        self,
        name: str,
        kernel: str,
        kernels: tuple[str, ...],
        cpu_features: tuple[str, ...],
        reason: str,
    ) -> None:
        for field, value in zip(
            self.__match_args__, (name, kernel, kernels, cpu_features, reason), strict=True
        ):
            object.__setattr__(self, field, value)


def backend() -> BackendInfo:
    """Return what runs: the codec, its kernel, the CPU's features, the reason."""
    if _REASON:
        return BackendInfo("pure", "", (), (), _REASON)
    core = importlib.import_module(_EXTENSION)
    return BackendInfo(
        "native", core.kernel_in_use(), core.kernels_that_run(), core.cpu_features(), ""
    )
