"""tools/prose.py: it finds phrases in prose, and leaves code and quotations alone."""

from __future__ import annotations

from pathlib import Path

import pytest

import prose

pytestmark = pytest.mark.skipif(not prose.PHRASES.exists(), reason="needs the whole repository")

FOUND = {
    "page.md": "# A title\n\nThe octet\nis wrong.\n",
    "wrapped.md": "A text that is\nnone.\n",
    "code.py": '"""Start\n\nanew."""\n',
    "function.py": 'def f():\n    """Count octets."""\n',
    "comment.py": "x = 1\ny = 2  # an octet\n",
    "kernel.c": "int f(void);\n/* as\n * ever */\n",
    "part.pxi": "cdef int f():\n    # an octet\n    pass\n",
    "settings.yml": "a: 1\n\n# an octet\n",
    "src/error.py": 'raise ValueError("an octet is wrong")\n',
    "src/more.py": 'raise ValueError(f"{x} octets are wrong")\n',
}
LEFT = {
    "page.md": "`octet`, [a link](octet.md)\n\n```python\noctets = 1\n```\n",
    "quotation.md": "autobahn says: at payload octet index 4\n",
    "code.py": "octets = b''\nf(octet)\n",
    "argument.py": 'def f():\n    """Do it.\n\n    octets: bytes; ``octets`` too.\n    """\n',
    "data.py": "x = 'an octet, in a test'\n",
    "src/error.py": 'raise ValueError(f"{octets} bytes are wrong", "octets")\n',
    "kernel.c": "int octet; /* f(octets), OCTETS */\n",
    "settings.yml": "octet: 1\n",
}


def said(name: str, text: str, folder: Path) -> list[str]:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return list(prose.complaints(path, prose.phrases()))


@pytest.mark.parametrize("name", FOUND)
def test_a_phrase_is_found_with_its_line(name: str, tmp_path: Path) -> None:
    complaint = said(name, FOUND[name], tmp_path)[0]
    line = int(complaint.removeprefix(str(tmp_path)).split(":")[1])
    first = complaint.split(": ", 1)[1].split()[0]
    assert first.lower() in FOUND[name].splitlines()[line - 1].lower()
    assert " ==> " in complaint


@pytest.mark.parametrize("name", LEFT)
def test_code_and_quotations_are_left_alone(name: str, tmp_path: Path) -> None:
    assert said(name, LEFT[name], tmp_path) == []


def test_the_exit_status_tells_a_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "page.md").write_text("an octet\n")
    assert prose.main([str(tmp_path / "page.md")]) == 1
    assert "octet ==> byte" in capsys.readouterr().out
    (tmp_path / "page.md").write_text("a byte\n")
    assert prose.main([str(tmp_path / "page.md")]) == 0
