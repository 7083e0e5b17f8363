"""Checks and what runs them: each session of noxfile.py is run by a workflow or by .ci/run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SESSION = re.compile(r"^@nox\.session.*\n(?:@.*\n)*def (\w+)", re.M)
NAMED = re.compile(
    r"(?:session: |nox -s )\"?(\w+)"  # one by name
    r"|^ {10}- (\w+)(?: #.*)?$",  # a list of them, in a matrix
    re.M,
)

pytestmark = pytest.mark.skipif(
    not (ROOT / ".ci" / "run").exists(), reason="needs the whole repository"
)


def sessions() -> set[str]:
    return set(SESSION.findall((ROOT / "noxfile.py").read_text(encoding="utf-8")))


def named() -> set[str]:
    """Return the sessions that workflows run."""
    text = "".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)
    return {one or other for one, other in NAMED.findall(text)}


def test_workflows_run_sessions_that_exist_and_every_session_is_run() -> None:
    assert named() - sessions() == set()
    assert sessions() - named() == {"test"}  # the job that runs `make test`


def test_ci_run_runs_what_the_workflow_does_but_what_it_says() -> None:
    text = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    lists = re.findall(r"^(?:\w+|.*sessions\+)=\(([^)]*)\)", text, re.M)
    calls = re.findall(r"^nox -s ([\w ]+?)(?: --| \|\|)", text, re.M)
    run = {name for names in (*lists, *calls) for name in names.split()}
    left_out = set(re.findall(r"^# Too slow, so only in \S+: (.+)$", text, re.M)[0].split(", "))
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    matrix = {name for _, name in NAMED.findall(workflow) if name}
    assert len(run) > 10
    assert run | left_out == matrix
    assert run & left_out == set()


def test_c_is_laid_out_by_the_same_clang_format_everywhere() -> None:
    found = [
        re.findall(r"clang-format==([\d.]+)", (ROOT / name).read_text(encoding="utf-8"))
        for name in ("pyproject.toml", ".pre-commit-config.yaml")
    ]
    assert len(found[0]) == 1
    assert found[0] == found[1]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_pins_each_action_to_a_commit(workflow: Path) -> None:
    used = re.findall(r"uses: (\S+)", workflow.read_text(encoding="utf-8"))
    assert used
    pinned = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}|\$/\.github/actions/\w+")
    assert [action for action in used if not pinned.fullmatch(action)] == []
