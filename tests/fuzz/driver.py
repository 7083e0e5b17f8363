"""Run a target of Atheris by its name: what fuzz_codec.py and fuzz_readers.py share.

An input is four bytes of how, then what is judged.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import atheris

HOW = 4


def run(functions: Mapping[str, Any]) -> None:
    """Run the one of a module's ``fuzz_...`` functions that the command line names."""
    names = [name for name in functions if name.startswith("fuzz_")]
    targets = {name.removeprefix("fuzz_"): functions[name] for name in names}
    if len(sys.argv) < 2 or sys.argv[1] not in targets:
        sys.exit(f"usage: {sys.argv[0]} {'|'.join(targets)} [libFuzzer's options] [corpus...]")
    target = targets[sys.argv.pop(1)]

    def one_input(data: bytes) -> None:
        if len(data) >= HOW:
            target(data[:HOW], data[HOW:])

    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
