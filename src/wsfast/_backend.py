"""Pick the compiled or the pure-Python codec, once, and say which one and why.

``WSFAST_BACKEND=native`` or ``pure`` forces one; ``WSFAST_KERNEL`` forces a kernel of
the compiled one.

Invariant: the pure-Python codec runs only if the extension is not installed, or on demand.
An installed extension that does not load is an error, never a silent slow path.
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
    """Report a wrong environment variable; the wsfast command prints just one line.

    Raises:
        ImportError: at the import of wsfast.
        SystemExit: the command ends, before any of its own code could run.
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        code, module = frame.f_code, frame.f_globals.get("__name__")
        if module == "site":
            break  # called by a .pth file: don't keep the interpreter from starting
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
    """Return the reason that setup.py recorded when it installed without a compiler."""
    try:
        not_built = importlib.import_module(f"{__package__}._native._not_built")
    except ModuleNotFoundError:
        return ""
    return f": it could not be built: {not_built.REASON}"


_REASON = _choose()

# Each twin lists its own names.  The types come from the pure-Python one, so that they are
# written only once.
if TYPE_CHECKING or _REASON:
    from ._pure import *  # noqa: F403 # its __all__ is the list of names
else:
    from ._native.core import *  # noqa: F403 # the same; a test compares the two lists


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
    """Return which codec and kernel run, the CPU's features, and the reason."""
    if _REASON:
        return BackendInfo("pure", "", (), (), _REASON)
    core = importlib.import_module(_EXTENSION)
    return BackendInfo(
        "native", core.kernel_in_use(), core.kernels_that_run(), core.cpu_features(), ""
    )
