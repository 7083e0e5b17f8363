"""What PyInstaller has to know, found through the entry point ``pyinstaller40``.

Invariant: freezing a program that uses wsfast adds nothing to it that it doesn't use.
"""

from __future__ import annotations

import os


def hook_dirs() -> list[str]:
    """Return where the hooks are."""
    return [os.path.dirname(__file__)]
