"""The check of a release finds what is missing; importing wsfast stays cheap."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import complete

EVERY = sorted(set().union(*(complete.expected(p) for p in complete.PLATFORMS)))


def file_name(identifier: str) -> str:
    """Name a wheel as its builder does."""
    abi, _, tag = identifier.partition("-")
    python = abi.rstrip("t")
    system, _, arch = tag.partition("_")
    versions = {
        "manylinux": f"manylinux2014_{arch}.manylinux_2_17_{arch}",
        "musllinux": f"musllinux_1_2_{arch}",
        "macosx": f"macosx_11_0_{arch}",
    }
    return f"wsfast-1.0-{python}-{abi}-{versions.get(system, tag)}.whl"


@pytest.fixture
def release(tmp_path: Path) -> Path:
    for identifier in EVERY:
        (tmp_path / file_name(identifier)).touch()
    (tmp_path / "wsfast-1.0.tar.gz").touch()
    (tmp_path / "wsfast-1.0-py3-none-any.whl").touch()
    return tmp_path


def test_a_release_that_is_complete(release: Path) -> None:
    assert len(EVERY) == 133
    assert complete.main(str(release)) == 0


@pytest.mark.parametrize(
    "lost",
    ["wsfast-1.0.tar.gz", "wsfast-1.0-py3-none-any.whl", file_name("cp314t-musllinux_aarch64")],
)
def test_what_is_missing_is_said(
    release: Path, lost: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (release / lost).unlink()
    assert complete.main(str(release)) == 1
    assert ("0 of 1" in capsys.readouterr().out) != lost.startswith("wsfast-1.0-cp")


def test_what_should_not_be_there_is_said(release: Path) -> None:
    (release / file_name("cp310-win32")).touch()
    assert complete.main(str(release)) == 1


def test_importing_wsfast_imports_no_peer_and_nothing_heavy() -> None:
    code = (
        "import json, sys; before = set(sys.modules); import wsfast; "
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    imported = {name.partition(".")[0] for name in json.loads(found.stdout)}
    heavy = {
        *("asyncio", "ssl", "zlib", "logging", "inspect", "dataclasses", "typing", "re"),
        *("click", "rich", "websockets", "wsproto", "aiohttp", "charset_normalizer"),
    }
    assert not imported & heavy
    assert len(json.loads(found.stdout)) < 40
