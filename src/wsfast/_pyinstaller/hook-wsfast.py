"""Collect what wsfast imports by name, and none of the libraries that it accelerates.

They are imported in functions, once they are there anyway; a program that uses one has it
already.
"""

from PyInstaller.utils.hooks import collect_submodules

from wsfast.adapters._libraries import NAMES, load

hiddenimports = collect_submodules("wsfast.adapters")
excludedimports = sorted(
    {seam.module.partition(".")[0] for name in NAMES for seam in load(name).seams}
    | {"h11", "twisted"}  # which adapters name too
)
