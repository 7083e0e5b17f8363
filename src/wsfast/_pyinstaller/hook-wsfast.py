"""Collect what wsfast imports by name, and none of the libraries that it accelerates.

They are imported in functions, once they are there anyway; a program that uses one has it
already.
"""

from importlib.util import find_spec

from PyInstaller.utils.hooks import collect_submodules

from wsfast.adapters._libraries import NAMES, load

hiddenimports = collect_submodules("wsfast.adapters")
if find_spec("isal") is not None:  # an engine of wsfast.deflate, if it is installed
    hiddenimports.append("isal.igzip_lib")  # which compiled code of isal imports
excludedimports = sorted(
    {seam.module.partition(".")[0] for name in NAMES for seam in load(name).seams}
    | {"h11", "twisted"}  # which adapters name too
)
