"""The tests' own modules: all folders are on one path, so each name must be unique.

The modules of bench/ are on it too, as soon as a test has read a record.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parents[1]
IMPORT = re.compile(r"^(?:from|import) (\w+)", re.MULTILINE)


def test_module_names_what_is_imported_is_there_once() -> None:
    found = (*TESTS.rglob("*.py"), *(TESTS.parent / "bench").glob("*.py"))
    files = [path for path in found if path.stem != "conftest"]
    modules = Counter(path.stem for path in files)
    imported = {name for path in files for name in IMPORT.findall(path.read_text("utf-8"))}
    assert "helpers" in imported & modules.keys()
    assert [name for name in sorted(imported & modules.keys()) if modules[name] > 1] == []
