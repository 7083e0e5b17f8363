"""The documentation: generated pages are up to date, examples print what they say.

A block of Python that can't run by itself comes after ``<!-- fragment: the reason -->``.

Run as a program it writes docs/close-codes.md again.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from pathlib import Path

import pytest

import wsfast
from wsfast._closecode_table import RANGES, TABLE
from wsfast.closecodes import CloseCodeInfo

DOCS = Path(__file__).parents[2] / "docs"

HEAD = """# Close codes

What each code of RFC 6455 section 7.4 and of the IANA registry means, and what to do.
`wsfast explain CODE` prints an entry, `wsfast explain 1001 1007` two side by side; in a program,
`wsfast.explain(code)` and `wsfast.compare(a, b)` return them. This page is generated from the table
that wsfast itself uses to check the codes that it receives and sends. In the column
*reconnect*, *later* means yes, but give the server time.

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
        f"- **When to use it:** {info.use}\n- **Caused by:** {info.fault}.\n"
        f"- **Reconnect:** {info.reconnecting}\n- **Source:** {info.source}\n"
        for info in infos
    ]
    return HEAD + "\n".join(rows) + "\n\n" + "\n".join(sections)


def test_close_codes_page_is_what_the_table_says() -> None:
    assert (DOCS / "close-codes.md").read_text(encoding="utf-8") == close_codes_page()


PAGES = sorted(DOCS.rglob("*.md"))  # the README's examples are those of test_readme.py
BLOCK = re.compile(
    r"(?:^<!-- fragment: (?P<reason>[^\n]+) -->\n+)?"
    r"^```python\n(?P<code>.*?)^```$(?:\n\n```text\n(?P<output>.*?)^```$)?",
    re.DOTALL | re.MULTILINE,
)


def examples() -> list[tuple[str, str, str]]:
    """Return page, code and output of each block that is not marked as a fragment."""
    return [
        (page.name, block["code"], block["output"] or "")
        for page in PAGES
        for block in BLOCK.finditer(page.read_text(encoding="utf-8"))
        if not block["reason"]
    ]


@pytest.mark.parametrize(("page", "code", "output"), examples(), ids=lambda value: value[:20])
def test_docs_example_prints_what_it_says(
    page: str, code: str, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "wsaccel"]:
        monkeypatch.delitem(sys.modules, name)  # others may have imported the real one
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(code, page, "exec"), {"__name__": "docs"})
    finally:
        wsfast.restore()  # other tests want the libraries as they are
    assert printed.getvalue() == output


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_docs_every_block_of_python_is_seen(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(BLOCK.findall(text)) == len(re.findall(r"^ *(?:```|~~~) *py", text, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_docs_links_lead_somewhere(page: Path) -> None:
    if not (DOCS.parent / "Makefile").exists():
        pytest.skip("needs the whole repository, not only what tests need")
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.M)
    for target in re.findall(r"\]\((?!https?:)([^)#\s]+)", text):
        assert (page.parent / target).exists(), target


def test_docs_reference_has_every_public_name_once() -> None:
    pages = [page.read_text(encoding="utf-8") for page in (DOCS / "api").glob("*.md")]
    names = [name for page in pages for name in re.findall(r"^::: wsfast\.(\w+)$", page, re.M)]
    assert sorted(names) == sorted(wsfast.__all__)


def test_docs_table_lists_every_public_name_once() -> None:
    page = (DOCS / "api" / "index.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `(\w+)", page, re.M)) == sorted(wsfast.__all__)


def test_docs_every_page_is_in_the_navigation() -> None:
    configuration = DOCS.parent / "mkdocs.yml"
    if not configuration.exists():
        pytest.skip("needs mkdocs.yml, which an installed package has not")
    listed = re.findall(r": (\S+\.md)$", configuration.read_text(encoding="utf-8"), re.M)
    assert sorted(listed) == sorted(
        page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")
    )


@pytest.mark.parametrize(
    "words",
    [
        *("1001", "1006", "1007", "going away", "invalid continuation byte", "invalid UTF-8"),
        *("nginx", "Cloudflare", "HAProxy", "ALB", "Docker", "gunicorn", "FastAPI", "uvicorn"),
        *("aiohttp", "Django Channels", "daphne", "websockets", "logging", "metrics", "Sentry"),
        *("structlog", "OpenTelemetry", "Prometheus", "Alpine", "musl", "free-threaded"),
        *("PyInstaller", "pre-commit", "wsaccel"),
    ],
)
def test_docs_what_people_look_for_is_in_a_heading(words: str) -> None:
    """The search of the site puts pages first that have the words in a title or heading."""
    headings = [
        line
        for page in PAGES
        for line in page.read_text(encoding="utf-8").splitlines()
        if re.match("#+ ", line)
    ]
    assert any(words.lower() in line.lower() for line in headings)


CONSOLE = re.compile(r"^```console\n\$ wsfast ([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "output"),
    [found for page in PAGES for found in CONSOLE.findall(page.read_text(encoding="utf-8"))],
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


ONE_LINERS = [
    (page.name, code)
    for page in PAGES
    for code in re.findall(r"^python -c '([^'\n]+)'$", page.read_text(encoding="utf-8"), re.M)
]


@pytest.mark.parametrize(("page", "code"), ONE_LINERS)
def test_docs_one_liner_prints_the_codec_that_runs(
    page: str, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(compile(code, page, "exec"), {"__name__": "docs"})
    info = wsfast.backend()
    fields = re.findall(r"wsfast\.backend\(\)\.(\w+)", code)
    assert fields
    assert capsys.readouterr().out.split("\n")[0] == " ".join(str(getattr(info, f)) for f in fields)


def test_every_command_has_a_page() -> None:
    pytest.importorskip("click")
    from wsfast.cli import command

    assert {page.stem for page in (DOCS / "cli").glob("*.md")} == set(command.commands)


if __name__ == "__main__":
    (DOCS / "close-codes.md").write_text(close_codes_page(), encoding="utf-8")
