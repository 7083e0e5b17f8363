"""The machine that a record was measured on: CPU, compiler, versions.

Invariant: nothing that identifies a person or a host.
"""

from __future__ import annotations

import os
import platform
import sysconfig
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import wsfast
from wsfast.cli._contenders import LIBRARIES

PACKAGES = (
    *(name for name in LIBRARIES if name not in ("wsfast", "cpython")),
    *("uvloop", "pytest-benchmark", "Cython"),
)


def machine_facts() -> dict[str, Any]:
    """Return them, ready for JSON."""
    info = wsfast.backend()
    return {
        "cpu": cpu_model(),
        "cpus": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "libc": " ".join(platform.libc_ver()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "compiler": platform.python_compiler(),
        "cc": sysconfig.get_config_var("CC"),
        "wsfast": {
            "version": wsfast.__version__,
            "name": info.name,
            "kernel": info.kernel,
            "cpu_features": list(info.cpu_features),
        },
        "packages": versions(PACKAGES),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of the packages that are installed."""
    return {name: found for name in packages if (found := _version(name))}


def cpu_model() -> str:
    """Return the CPU's name, and the family and model where Linux says so."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = {name.strip(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    name = facts.get("model name") or platform.machine()
    if "cpu family" not in facts:
        return name
    return f"{name} (family {facts['cpu family']}, model {facts['model']})"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
