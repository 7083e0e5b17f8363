"""Which version of a library is installed, if that can be found out.

Invariant: no library is imported for this.
"""

from __future__ import annotations

import sys
from typing import Any

NOT_INSTALLED = "not installed"
NOT_IMPORTED = "its metadata is missing: its version will be known once it is imported"
UNKNOWN = "its version is unknown: neither its metadata nor its __version__ is there"


def find_version(distribution: str, package: str) -> tuple[str, str]:
    """Return the version, and why it is not known (``""`` if it is known).

    Frozen programs often have no metadata; then the package itself tells its version.
    """
    from importlib import metadata  # not at the top: it takes longer to import than the rest

    try:
        version: Any = metadata.version(distribution)
    except metadata.PackageNotFoundError:
        version = None
    if isinstance(version, str):
        return version, ""
    module = sys.modules.get(package)
    if module is None:
        return "", NOT_IMPORTED if _is_there(package) else NOT_INSTALLED
    found = vars(module)
    for name in ("__version__", "version"):
        if isinstance(found.get(name), str):
            return found[name], ""
    begun = getattr(found.get("__spec__"), "_initializing", False)
    return "", NOT_IMPORTED if begun else UNKNOWN


def _is_there(package: str) -> bool:
    """Return whether the package could be imported; a bare directory doesn't count."""
    from importlib.util import find_spec

    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.loader is not None and spec.origin is not None


def version_numbers(version: str) -> tuple[int, ...]:
    """Return the release numbers that a version begins with."""
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    return tuple(numbers)
