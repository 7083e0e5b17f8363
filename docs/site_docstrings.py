"""Make of the sources what the site's generator understands.

    first, second: 0 to 65535.    one line for several arguments gets to be several
    >>> compare(1001, 1007)       an example without a heading gets a fence
    from ._native.core import *   what either twin has is shown as _pure has it: typed

Invariant: only what the generator reads is changed, not the sources.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

SEVERAL = re.compile(r"^( +)([a-z_]+(?:, [a-z_]+)+): (.*(?:\n\1 .*)*)$", re.MULTILINE)
EXAMPLE = re.compile(r"^>>> .*?(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)


def one_a_line(line: re.Match[str]) -> str:
    """Return one line for each of the arguments."""
    return "\n".join(f"{line[1]}{name}: {line[3]}" for name in line[2].split(", "))


class Docstrings(griffe.Extension):
    """Rewrite each docstring as it is loaded."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Give each argument its line, and fence examples."""
        if obj.docstring is not None:
            text = SEVERAL.sub(one_a_line, obj.docstring.value)
            obj.docstring.value = EXAMPLE.sub(lambda example: f"```pycon\n{example[0]}\n```", text)

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Lead the names that the codec is picked for to the twin in Python."""
        backend = pkg["_backend"]
        for module in pkg["_pure"].modules.values():
            for name in map(str, module.exports or ()):
                backend.set_member(name, griffe.Alias(name, module[name].path))
