"""Check that no prose has an archaic word or phrase; .ci/phrases.txt lists them.

    python tools/prose.py FILE...    as `nox -s lint` does

Prose is Markdown outside of code, comments and docstrings; in src/ it is every other string
too, because users read errors.  Names in code are not prose, but must say byte too, except for
``InvalidUTF8.octets``, which is public.  codespell looks for spelling mistakes and for the
words of .ci/words.txt, in code too.
"""

from __future__ import annotations

import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PHRASES = ROOT / ".ci" / "phrases.txt"
# Code in prose, where links lead, and what another library says.
CODE = re.compile(
    r"^ *```.*?^ *```$|<!--.*?-->|``[^`]+``|`[^`\n]+`|\]\([^)]*\)|https?://\S+"
    r"|payload octet index|\{[^{}\n]*\}",
    re.S | re.M,
)
COMMENTS = {  # of what Python's tokenizer does not read
    **dict.fromkeys([".c", ".h"], re.compile(r"/\*.*?\*/|//[^\n]*", re.S)),
    **dict.fromkeys([".pyx", ".pxi", ".pxd"], re.compile(r'""".*?"""|(?<!\S)#[^\n]*', re.S)),
    **dict.fromkeys([".yml", ".toml", ".sh", ""], re.compile(r"(?<!\S)#[^\n]*")),
}
# What was recorded elsewhere, and other languages.
SKIPPED = re.compile(
    r"tests/(cli/captures|cli/log_lines|fuzz/seeds|diagnosis/(corpus|diagnosis_words))"
)
OCTET = re.compile(r"\b(?!octet index)\w*octet\w*", re.I)
# Where InvalidUTF8.octets is meant, or the word itself.
MAY_SAY_OCTET = (
    ".ci/phrases.txt",
    "docs/api/index.md",
    "docs/guide/invalid-text.md",
    "examples/demo.py",
    "src/wsfast/adapters/_logging.py",
    "src/wsfast/cli/_output.py",
    "src/wsfast/errors.py",
    "tests/diagnosis/test_diagnosis.py",
    "tests/helpers.py",
    "tests/hostile/test_hostile_callers.py",
    "tests/packaging/test_prose.py",
    "tests/typing_example.py",
    "tools/prose.py",
)
Found = tuple[int, str]  # the line where it begins, the text


def prose(path: Path) -> Iterator[Found]:
    """Yield what is prose in a file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        yield 1, text
    elif path.suffix in (".py", ".pyi"):
        yield from _of_python(text, every_text="src" in path.parts)
    elif path.suffix in COMMENTS:
        for found in COMMENTS[path.suffix].finditer(text):
            yield text.count("\n", 0, found.start()) + 1, found[0]


def _of_python(text: str, *, every_text: bool) -> Iterator[Found]:
    begins = True  # whether a docstring may stand here
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = tokenize.tok_name[token.type]
        if kind == "COMMENT":
            yield token.start[0], token.string
        elif kind in ("STRING", "FSTRING_MIDDLE") and (begins or every_text):
            yield token.start[0], token.string if len(token.string.split()) > 1 else ""  # a name
        if kind not in ("COMMENT", "NL"):
            begins = kind in ("INDENT", "NEWLINE")


def blank(code: re.Match[str]) -> str:
    """Return as many lines as the code has, so that those after it keep their numbers."""
    return "\n" * code[0].count("\n") + " "


def phrases() -> list[tuple[re.Pattern[str], str]]:
    """Return each phrase as a pattern, and what to write instead."""
    rows = [line.split("->") for line in PHRASES.read_text(encoding="utf-8").splitlines() if line]
    return [
        (re.compile(r"(?<![\w.([])" + r"[\s*#]+".join(old.split()) + r"(?![\w(=:])", re.I), new)
        for old, new in rows
    ]


def complaints(path: Path, wanted: list[tuple[re.Pattern[str], str]]) -> Iterator[str]:
    """Yield a line for each phrase and name that a file should not have."""
    for start, text in prose(path):
        bare = CODE.sub(blank, text)
        for pattern, better in wanted:
            for found in pattern.finditer(bare):
                if found[0].isupper():  # the name of a constant
                    continue
                line = start + bare.count("\n", 0, found.start())
                yield f"{path}:{line}: {' '.join(found[0].split())} ==> {better}"
    if not path.as_posix().endswith(MAY_SAY_OCTET):
        yield from _names(path)


def _names(path: Path) -> Iterator[str]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        for name in OCTET.findall(line):
            better = name.replace("octet", "byte").replace("Octet", "Byte").replace("OCTET", "BYTE")
            yield f"{path}:{number}: {name} ==> {better}"


def main(names: list[str]) -> int:
    if not names:
        sys.exit("no file named: tools/prose.py FILE...")
    wanted = phrases()
    files = [Path(name) for name in names if not SKIPPED.match(name)]
    said = list(dict.fromkeys(line for path in files for line in complaints(path, wanted)))
    print("\n".join(said) or f"no phrase of {PHRASES.name} in {len(files)} files")
    return bool(said)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
