"""The documentation: generated pages are up to date, examples print what they say.

Run as a program it writes docs/close-codes.md again.
"""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from wsfast._closecode_table import RANGES, TABLE
from wsfast.closecodes import CloseCodeInfo

DOCS = Path(__file__).parents[1] / "docs"
if not DOCS.exists():
    pytest.skip("needs the documentation beside the tests", allow_module_level=True)

HEAD = """# Close codes

What each code of RFC 6455 section 7.4 and of the IANA registry means, and what to do.
`wsfast explain CODE` prints an entry, `wsfast explain 1001 1007` two side by side;
`wsfast.explain(code)` and `wsfast.compare(a, b)` return them. This page is written from the same
table, by which wsfast also judges the codes that it receives and sends.

| code | name | sent by | reconnect |
|---|---|---|---|
"""
SENDERS = {"both": "either", "client": "client", "server": "server", "never": "nobody"}


def codes_of(info: CloseCodeInfo) -> str:
    return str(info.first) if info.first == info.last else f"{info.first} to {info.last}"


def close_codes_page() -> str:
    """Return docs/close-codes.md as it should be."""
    infos = sorted([*TABLE.values(), *RANGES], key=lambda info: (info.first, info.last))
    rows = [
        f"| {codes_of(info)} | {info.name} | {SENDERS[info.sender]} | {info.reconnect} |"
        for info in infos
    ]
    sections = [
        f"## {codes_of(info)} {info.name}\n\n{info.meaning}\n\n"
        f"- **When you see it:** {info.seen}\n- **What to do:** {info.fix}\n"
        f"- **When to use it:** {info.use}\n- **Whose doing:** {info.fault}.\n"
        f"- **Reconnect:** {info.reconnecting}\n- **Source:** {info.source}\n"
        for info in infos
    ]
    return HEAD + "\n".join(rows) + "\n\n" + "\n".join(sections)


def test_close_codes_page_is_what_the_table_says() -> None:
    assert (DOCS / "close-codes.md").read_text(encoding="utf-8") == close_codes_page()


def examples() -> list[tuple[str, str, str]]:
    pattern = re.compile(
        r"^```python\n((?:(?!```).)*)^```\n\n```text\n(.*?)^```$", re.DOTALL | re.MULTILINE
    )
    return [
        (page.name, code, output)
        for page in sorted(DOCS.rglob("*.md"))
        for code, output in pattern.findall(page.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(("page", "code", "output"), examples(), ids=lambda value: value[:20])
def test_docs_example_prints_what_it_says(page: str, code: str, output: str) -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, page, "exec"), {"__name__": "docs"})
    assert printed.getvalue() == output


CONSOLE = re.compile(r"^```console\n\$ wsfast ([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        found
        for page in sorted((DOCS / "cli").glob("*.md"))
        for found in CONSOLE.findall(page.read_text(encoding="utf-8"))
    ],
    ids=lambda value: value[:20],
)
def test_docs_command_prints_what_it_says(
    arguments: str, output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("click")
    from click.testing import CliRunner

    from wsfast.cli import command

    monkeypatch.chdir(tmp_path)
    Path("message.txt").write_bytes("Grüße aus Köln".encode("latin-1"))
    Path("received.bin").write_bytes(b"\x81\x05Hello\x89\x00\x81\x05Gr\xfc\xdfe")
    assert CliRunner().invoke(command, arguments.split()).output == output


def test_every_command_has_a_page() -> None:
    pytest.importorskip("click")
    from wsfast.cli import command

    assert {page.stem for page in (DOCS / "cli").glob("*.md")} == set(command.commands)


if __name__ == "__main__":
    (DOCS / "close-codes.md").write_text(close_codes_page(), encoding="utf-8")
