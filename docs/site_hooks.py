"""What the site needs beyond Markdown: files of the repository that pages link to, and plots.

Pages link to ``../examples/echo_server.py`` as GitHub shows them.  The site gets a copy of
each such file under ``source/``, of a directory the list of its files, and the link leads there.

A page says ``<!-- plots: bench/record/NAME.json -->`` where the plots of that record are shown.
They are drawn here, by bench/plots.py, and are not kept in git.

Invariant: a link to what does not exist stays as it is, so that a strict build fails.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "bench"))
import plots  # noqa: E402 # needs the line above; later MkDocs has restored sys.path

PLOTS = re.compile(r"<!-- plots: (\S+) -->")
LINK = re.compile(r"(?<=\]\()(\.\./[^)#\s]+)")


def outside(page: Path, target: str) -> Path | None:
    """Return what outside docs/ ``target`` leads to, relative to the root."""
    path = (page.parent / target).resolve()
    if path.is_relative_to(ROOT / "docs") or not path.is_relative_to(ROOT) or not path.exists():
        return None
    return path.relative_to(ROOT)


def content(path: Path) -> bytes:
    """Return a file's bytes, or the names of the files in a directory."""
    if path.is_file():
        return path.read_bytes()
    return "".join(f"{file.name}\n" for file in sorted(path.iterdir()) if file.is_file()).encode()


def drawn(record: str) -> dict[str, bytes]:
    """Return the plots of a record, by name."""
    path = ROOT / record
    with tempfile.TemporaryDirectory() as directory:
        facts = json.loads(path.read_text(encoding="utf-8"))
        found = plots.draw(facts, path.stem, Path(directory))
        return {plot.name: plot.read_bytes() for plot in found}


def on_files(files: Any, config: Any, **_: Any) -> Any:
    """Add the files that pages link to, and the plots that they show."""
    from mkdocs.structure.files import File

    found, shown = set(), set()
    for page in files.documentation_pages():
        path = Path(page.abs_src_path)
        text = path.read_text(encoding="utf-8")
        found |= {outside(path, target) for target in LINK.findall(text)}
        shown |= set(PLOTS.findall(text))
    for record in sorted(shown):
        for name, plot in drawn(record).items():
            files.append(File.generated(config, f"plots/{name}", content=plot))
    for name in sorted(path.as_posix() for path in found if path):
        # Plain text: a browser shows it, and MkDocs leaves it as it is.
        files.append(File.generated(config, f"source/{name}.txt", content=content(ROOT / name)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links out of docs/ to the copies, and show plots."""
    path = Path(page.file.abs_src_path)
    up = "../" * page.file.src_uri.count("/")

    def lead(link: re.Match[str]) -> str:
        file = outside(path, link[1])
        return f"{up}source/{file.as_posix()}.txt" if file else link[1]

    def show(mark: re.Match[str]) -> str:
        names = plots.names(Path(mark[1]).stem)
        return "\n\n".join(f"![{name}]({up}plots/{name})" for name in names)

    return PLOTS.sub(show, LINK.sub(lead, markdown))
