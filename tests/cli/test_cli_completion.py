"""Shell completion, as ``wsfast --help`` says to switch it on, in a real shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("click")

BASH = shutil.which("bash")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("ex",), "plain,explain"),
        (("frames", "--fo"), "plain,--format"),
        (("frames", "--format", "t"), "plain,tshark"),
        (("check", ""), "file,"),  # the shell's own completion of files
        (("bench", "val"), "plain,validate"),
    ],
    ids=" ".join,
)
@pytest.mark.skipif(BASH is None, reason="there is no bash")
def test_bash(tmp_path: Path, words: tuple[str, ...], found: str) -> None:
    program = tmp_path / "wsfast"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m wsfast "$@"\n')
    program.chmod(0o755)
    script = (
        'eval "$(_WSFAST_COMPLETE=bash_source wsfast)" && complete -p wsfast >/dev/null && '
        'COMP_WORDS="$WORDS" COMP_CWORD=$WORD _WSFAST_COMPLETE=bash_complete wsfast'
    )
    result = subprocess.run(
        [str(BASH), "-c", script],
        env={
            **os.environ,
            "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
            "WORDS": " ".join(("wsfast", *words)),
            "WORD": str(len(words)),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.stderr == ""
    assert found in result.stdout.splitlines()
