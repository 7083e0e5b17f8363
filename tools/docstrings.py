"""Write the docstrings and signatures of the codec in Python as C, for its compiled twin.

    python tools/docstrings.py src/wsfast/_native/docstrings.h    as setup.py does

Invariant: only the package's own source is imported, so that it runs before anything is
built or installed; a file that would not change is not written, so nothing is compiled again.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

SOURCES = Path(__file__).parents[1] / "src"
HEAD = """\
/* Made by tools/docstrings.py of the docstrings in wsfast/_pure.  documents.h has the use. */
static const wsf_docstring wsf_docstrings[] = {
"""


def signature(value: Callable[..., Any], first: str = "") -> str:
    """Return the parameters as in a text signature; ``first`` is for ``self``."""
    whole = inspect.signature(value)
    bare = [p.replace(annotation=p.empty) for p in whole.parameters.values()]
    if first:
        bare[0] = bare[0].replace(name="first")
    text = str(whole.replace(parameters=bare, return_annotation=whole.empty))
    return text.replace("(first", f"({first}", 1) if first else text


def documented(name: str, parameters: str, value: object) -> str:
    """Return the signature and the docstring in one text, which CPython splits."""
    return f"{name}{parameters}\n--\n\n{inspect.getdoc(value) or ''}"


def members(kind: type) -> Iterator[tuple[str, str, str]]:
    """Yield the class that has it, the name and the text of each public member."""
    for owner in kind.__mro__[:-1]:
        for name, value in vars(owner).items():
            if name.startswith("_"):
                continue
            if isinstance(value, property):
                yield owner.__name__, name, inspect.getdoc(value) or ""
            elif isinstance(value, classmethod):
                text = documented(name, signature(value.__func__, "$type"), value)
                yield owner.__name__, name, text
            elif isinstance(value, FunctionType):
                yield owner.__name__, name, documented(name, signature(value, "$self"), value)


def rows() -> Iterator[tuple[str, str, str]]:
    """Yield the class, the name and the text of all that has a docstring."""
    sys.path.insert(0, str(SOURCES))
    os.environ["WSFAST_BACKEND"] = "pure"
    from wsfast import _pure

    for name in _pure.__all__:
        value = getattr(_pure, name)
        text = documented(name, signature(value), value)
        if isinstance(value, type):
            yield name, "", text
            yield from members(value)
        else:
            yield "", name, text


def literal(text: str) -> str:
    """Return a C string literal, with one line for each line of the text."""
    lines = []
    for line in text.splitlines(keepends=True):
        escaped = line.encode().replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
        lines.append("".join(chr(o) if 32 <= o < 127 else f"\\{o:03o}" for o in escaped))
    return "\n".join(f'     "{line}"' for line in lines) or '     ""'


def main() -> None:
    """Write the file that the command line names, unless it is as it should be."""
    entries = [f'    {{"{o}", "{n}",\n{literal(text)}}},\n' for o, n, text in dict.fromkeys(rows())]
    path, text = Path(sys.argv[1]), HEAD + "".join(entries) + "};\n"
    if not path.exists() or path.read_text(encoding="ascii") != text:
        path.write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()
