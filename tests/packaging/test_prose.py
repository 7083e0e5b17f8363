"""tools/prose.py: it finds phrases in prose, and leaves code and quotations alone."""

from __future__ import annotations

from pathlib import Path

import pytest

import prose

pytestmark = pytest.mark.skipif(not prose.PHRASES.exists(), reason="needs the whole repository")

FOUND = {
    "page.md": "# A title\n\nThe mend\nis wrong.\n",
    "wrapped.md": "A text that is\nnone.\n",
    "code.py": '"""Start\n\nanew."""\n',
    "function.py": 'def f():\n    """Count mends."""\n',
    "comment.py": "x = 1\ny = 2  # a mend\n",
    "kernel.c": "int f(void);\n/* as\n * ever */\n",
    "part.pxi": "cdef int f():\n    # a mend\n    pass\n",
    "settings.yml": "a: 1\n\n# a mend\n",
    "src/error.py": 'raise ValueError("a mend is wrong")\n',
    "src/more.py": 'raise ValueError(f"{x} mends are wrong")\n',
}
LEFT = {
    "page.md": "`mend`, [a link](mend.md)\n\n```python\nmends = 1\n```\n",
    "quotation.md": "autobahn says: at payload octet index 4\n",
    "code.py": "mends = b''\nf(mend)\n",
    "argument.py": 'def f():\n    """Do it.\n\n    mends: bytes; ``mends`` too.\n    """\n',
    "data.py": "x = 'done anew, in a test'\n",
    "src/error.py": 'raise ValueError(f"{mends} bytes are wrong", "mends")\n',
    "kernel.c": "int mend; /* f(mends), MENDS */\n",
    "settings.yml": "mend: 1\n",
}
OCTETS = {  # names: the file, the complaint about its second line
    "page.md": ("```python\nx = `octets_of(y)`\n```\n", "octets_of ==> bytes_of"),
    "code.py": ("\noctet = 1\n", "octet ==> byte"),
    "kernel.h": ("\n#define MAX_OCTETS 3\n", "MAX_OCTETS ==> MAX_BYTES"),
    "record.json": ('{\n"octets": 1}\n', "octets ==> bytes"),
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


@pytest.mark.parametrize("name", OCTETS)
def test_names_say_byte(name: str, tmp_path: Path) -> None:
    text, complaint = OCTETS[name]
    assert said(name, text, tmp_path) == [f"{tmp_path / name}:2: {complaint}"]


@pytest.mark.parametrize("name", prose.MAY_SAY_OCTET)
def test_names_say_octet_where_they_may(name: str) -> None:
    path = prose.ROOT / name
    assert "octet" in path.read_text(encoding="utf-8")
    assert list(prose.complaints(path, prose.phrases())) == []


def test_the_exit_status_tells_a_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "page.md").write_text("an octet\n")
    assert prose.main([str(tmp_path / "page.md")]) == 1
    assert "octet ==> byte" in capsys.readouterr().out
    (tmp_path / "page.md").write_text("a byte\n")
    assert prose.main([str(tmp_path / "page.md")]) == 0
