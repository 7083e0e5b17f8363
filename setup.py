"""The one extension and its flags; everything else is in pyproject.toml.

``WSFAST_WERROR=1`` makes warnings of Cython and of the C compiler errors.
``WSFAST_REQUIRE_EXTENSION=1`` makes a build without a working compiler fail; without
it, such a build gives the package in Python alone.
``WSFAST_PURE=1`` builds that on purpose, for a wheel that every platform can use.
"""

import glob
import os
import sys

from Cython.Build import cythonize
from Cython.Compiler import Options
from setuptools import Extension, setup
from setuptools.command.build_py import build_py

KERNELS = "src/wsfast/_kernels"
WERROR = os.environ.get("WSFAST_WERROR") == "1"
PURE = os.environ.get("WSFAST_PURE") == "1"
REQUIRED = os.environ.get("WSFAST_REQUIRE_EXTENSION") == "1"

if sys.platform == "win32":
    compile_args = ["/O2", "/W3"] + (["/WX"] if WERROR else [])
else:
    compile_args = ["-O3", "-fvisibility=hidden", "-Wall", "-Wextra"] + (
        ["-Werror"] if WERROR else []
    )

Options.warning_errors = WERROR

PTH = "wsfast-accelerate.pth"  # in src/


class BuildWithPth(build_py):
    """Add the file by which WSFAST_ACCELERATE is heeded when an interpreter starts."""

    def run(self):
        super().run()
        if not self.editable_mode:
            self.copy_file(f"src/{PTH}", os.path.join(self.build_lib, PTH), preserve_mode=False)

    def get_outputs(self, include_bytecode=True):
        return [*super().get_outputs(include_bytecode), os.path.join(self.build_lib, PTH)]


core = Extension(
    "wsfast._native.core",
    sources=["src/wsfast/_native/core.pyx", *sorted(glob.glob(f"{KERNELS}/*.c"))],
    depends=sorted(
        glob.glob(f"{KERNELS}/*.h")
        + glob.glob("src/wsfast/_native/*.p[yx][xd]")
        + glob.glob("src/wsfast/_native/*.h")
        + ["src/wsfast/include/wsfast.h"]
    ),
    include_dirs=[KERNELS, "src/wsfast/_native", "src/wsfast/include"],
    # Every interpreter has its own module and its own types.
    define_macros=[("CYTHON_USE_MODULE_STATE", "1"), ("CYTHON_USE_TYPE_SPECS", "1")],
    extra_compile_args=compile_args,
    optional=not REQUIRED,
)

setup(
    ext_modules=[] if PURE else cythonize([core], include_path=["src"]),
    cmdclass={"build_py": BuildWithPth},
)
