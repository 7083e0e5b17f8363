"""Build the one extension, or go without it and say so; everything else is in pyproject.toml.

``WSFAST_REQUIRE_EXTENSION=1`` makes a build without a working compiler fail.  Without it
such a build gives the package in Python alone: a warning says why, the name of the wheel
has ``no_compiled_part`` in it, which pip prints, and ``wsfast.backend().reason`` has the cause.
``WSFAST_PURE=1`` builds that on purpose, for a wheel that every platform can use.
``WSFAST_WERROR=1`` makes warnings of Cython and of the C compiler errors.
``WSFAST_DEBUG=1`` builds without optimisation, for a debugger that shows lines of Cython.
"""

import contextlib
import glob
import os
import subprocess
import sys
import sysconfig

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.errors import CCompilerError, CompileError, ExecError, PlatformError

KERNELS = "src/wsfast/_kernels"
WERROR = os.environ.get("WSFAST_WERROR") == "1"
PURE = os.environ.get("WSFAST_PURE") == "1"
DEBUG = os.environ.get("WSFAST_DEBUG") == "1"
REQUIRED = os.environ.get("WSFAST_REQUIRE_EXTENSION") == "1"
NO_COMPILER = (CCompilerError, CompileError, ExecError, PlatformError)
PTH = "wsfast-accelerate.pth"  # in src/
DOCSTRINGS = "src/wsfast/_native/docstrings.h"
REASON = "wsfast/_native/_not_built.py"  # what wsfast._backend reads

if sys.platform == "win32":
    compile_args = [*(["/Od", "/Zi"] if DEBUG else ["/O2"]), "/W3", *(["/WX"] if WERROR else [])]
else:
    compile_args = ["-O0", "-g3"] if DEBUG else ["-O3"]
    compile_args += ["-fvisibility=hidden", "-Wall", "-Wextra", *(["-Werror"] if WERROR else [])]


def write_docstrings():
    """Have the compiled codec say what its twin says, which alone has the text."""
    command = (sys.executable, "-I", "-B", "tools/docstrings.py", DOCSTRINGS)
    subprocess.run(command, check=True)


def warn(reason):
    """Say that there is no compiled part, where somebody can see it.

    pip shows nothing of a build that succeeds, so the terminal gets it too, if there is one.
    """
    text = (
        f"\nWARNING: wsfast is built without its compiled part, which makes it slow: {reason}\n"
        "WARNING: install a C compiler and the headers of Python, then: "
        "pip install --no-cache-dir --force-reinstall wsfast\n"
    )
    sys.stderr.write(text)
    if not sys.stderr.isatty():
        name = "CONOUT$" if sys.platform == "win32" else "/dev/tty"
        with contextlib.suppress(OSError), open(name, "w") as terminal:
            terminal.write(text)


def cause_of(error):
    """Return in a line why the extension could not be built."""
    include = sysconfig.get_path("include")
    if not os.path.exists(os.path.join(include, "Python.h")):
        return f"the headers of Python (Python.h) are not in {include}"
    cause = error.args[0] if error.args else error
    if isinstance(cause, subprocess.CalledProcessError):
        cause = f"{cause.cmd[0]} failed with exit code {cause.returncode}"
    return " ".join(str(cause).split())[:200]


def keep_reason(command, reason):
    """Put the reason beside the extension that is not there; take an old one away."""
    editable = command.editable_mode or getattr(command, "inplace", False)
    path = os.path.join("src" if editable else command.build_lib, REASON)
    if reason:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"REASON = {reason!r}\n")
    elif os.path.exists(path):
        os.remove(path)


class BuildPy(build_py):
    """Add the file that lets WSFAST_ACCELERATE work when an interpreter starts."""

    def run(self):
        super().run()
        keep_reason(self, no_cython)
        if no_cython:
            warn(no_cython)
        if not self.editable_mode:
            self.copy_file(f"src/{PTH}", os.path.join(self.build_lib, PTH), preserve_mode=False)

    def get_outputs(self, include_bytecode=True):
        return [*super().get_outputs(include_bytecode), os.path.join(self.build_lib, PTH)]


class BuildExt(build_ext):
    """Go on without the extension if it can't be built, whatever is missing for it."""

    def run(self):
        # ``Extension.optional`` would do half of this: cythonize() drops it, and what is
        # left is a wheel for this platform without what makes it one.
        inplace = self.inplace
        try:
            super().run()
        except NO_COMPILER as error:
            if REQUIRED:
                raise
            self.inplace = inplace
            reason = cause_of(error)
            self.extensions = self.distribution.ext_modules = []
            keep_reason(self, reason)
            warn(reason)
        else:
            self.inplace = inplace
            keep_reason(self, "")


class BdistWheel(bdist_wheel):
    """Name a wheel by what is in it: known only when the extension was built, or was not."""

    def run(self):
        if not self.skip_build:
            self.run_command("build")
        if not self.distribution.has_ext_modules():
            self.root_is_pure = True
            if not PURE:  # pip says "Created wheel for wsfast: filename=" and this
                self.build_number = "0.no_compiled_part"
        super().run()


core = Extension(
    "wsfast._native.core",
    sources=["src/wsfast/_native/core.pyx", *sorted(glob.glob(f"{KERNELS}/*.c"))],
    depends=sorted(
        glob.glob(f"{KERNELS}/*.h")
        + glob.glob("src/wsfast/_native/*.p[yx][xdi]")
        + glob.glob("src/wsfast/_native/*.h")
        + [DOCSTRINGS, "src/wsfast/include/wsfast.h"]
    ),
    include_dirs=[KERNELS, "src/wsfast/_native", "src/wsfast/include"],
    # Every interpreter has its own module and its own types.
    define_macros=[("CYTHON_USE_MODULE_STATE", "1"), ("CYTHON_USE_TYPE_SPECS", "1")],
    extra_compile_args=compile_args,
)

extensions, no_cython = [], ""
if not PURE:
    try:
        from Cython.Build import cythonize
        from Cython.Compiler import Options
    except ModuleNotFoundError:  # only without build isolation
        if REQUIRED:
            raise
        no_cython = "Cython, which compiles it, is not installed"
    else:
        write_docstrings()
        Options.warning_errors = WERROR
        extensions = cythonize(
            [core], include_path=["src"], emit_linenums=DEBUG, force=DEBUG or None
        )

setup(
    ext_modules=extensions,
    cmdclass={"build_py": BuildPy, "build_ext": BuildExt, "bdist_wheel": BdistWheel},
)
