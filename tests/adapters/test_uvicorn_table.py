"""Every option of uvicorn and every ASGI message: ours compared with ``websockets-sansio``."""

from __future__ import annotations

import contextlib
import inspect
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("websockets")

import uvicorn
import websockets
from uvicorn.main import main as command

from uvicorn_differences import DIFFERENCES, HANGS, markdown
from uvicorn_observed import Log, observe, watched
from uvicorn_serving import OURS, SANSIO, served
from uvicorn_table import ELSEWHERE, MESSAGES, OPTIONS, Scenario

# The versions whose differences are listed; with others only ours is judged.
IS_KNOWN = (
    tuple(map(int, uvicorn.__version__.split(".")[:2])) >= (0, 54)
    and int(websockets.__version__.split(".")[0]) >= 17
)
ANSWERS = {  # to what the other does not answer
    "request with a body": {400},
    "http httptools, 100,000 bytes of headers": {431},
}
ANSWERS |= {name: {101} for name in HANGS - ANSWERS.keys()}
Observed = dict[str, dict[str, Any]]  # by protocol


@pytest.fixture
def log() -> Iterator[Log]:
    """What uvicorn logs; its level is set back."""
    handler, logger = Log(), logging.getLogger("uvicorn.error")
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


class Stage:
    """Two servers, and the scenario that both play."""

    def __init__(self, stack: contextlib.ExitStack, directory: Path, **options: Any) -> None:
        self.scenario = next(iter(MESSAGES.values()))
        self.seen: list[Any] = []
        is_unix = options.pop("is_unix", False)
        self.running = {
            ws: stack.enter_context(
                served(
                    lambda running: watched(self.scenario.act, self.seen),
                    ws,
                    str(directory / f"socket{number}") if is_unix else None,
                    **{"loop": "asyncio", **options},
                )
            )
            for number, ws in enumerate((OURS, SANSIO))
        }

    def play(self, name: str, scenario: Scenario, log: Log) -> Observed:
        """Play a scenario on both, if the other does not hang; return what was observed."""
        self.scenario = scenario
        found = {}
        for ws, running in self.running.items():
            if ws == SANSIO and name in HANGS:
                continue
            self.seen.clear()
            log.lines.clear()
            found[ws] = observe(scenario, running, log, self.seen)
        return found


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Two servers without special options."""
    with contextlib.ExitStack() as stack:
        yield Stage(stack, tmp_path_factory.mktemp("stage"), ws_per_message_deflate=True)


def differing(found: Observed) -> dict[str, tuple[Any, Any]]:
    """Return what is not the same, ours first."""
    ours, stock = found[OURS], found.get(SANSIO, {})
    keys = ours.keys() | stock.keys()
    return {k: (ours.get(k), stock.get(k)) for k in keys if ours.get(k) != stock.get(k)}


@pytest.mark.parametrize("name", MESSAGES)
def test_messages(name: str, stage: Stage, log: Log) -> None:
    judge(name, stage.play(name, MESSAGES[name], log))


@pytest.mark.parametrize("name", OPTIONS)
def test_options(name: str, log: Log, tmp_path: Path) -> None:
    setting = OPTIONS[name]
    if "httptools" in name:
        pytest.importorskip("httptools")
    with contextlib.ExitStack() as stack:
        stage = Stage(stack, tmp_path, is_unix=setting.is_unix, **setting.options)
        log.lines.clear()
        found = stage.play(name, setting.scenario, log)
    judge(name, found)


def judge(name: str, found: Observed) -> None:
    """Compare what differs with what is listed, in both directions."""
    ours = found[OURS]
    assert ours["status"] is not None, "no answer"
    if SANSIO not in found:
        assert ours["status"] in ANSWERS[name]
        return
    if not IS_KNOWN:
        return  # what another version of the other protocol does is not listed
    listed: set[str] = set()
    for difference in DIFFERENCES:
        if name in difference.scenarios:
            listed |= set(difference.keys.split())
    differs = differing(found)
    assert differs.keys() == listed, differs


@pytest.mark.parametrize("option", inspect.signature(uvicorn.Config).parameters)
def test_every_option_is_in_the_table(option: str) -> None:
    is_played = any(
        option in setting.options or name.split()[0].rstrip(",") == option
        for name, setting in OPTIONS.items()
    )
    assert is_played or option in ELSEWHERE, (
        f"uvicorn {uvicorn.__version__} has an option {option!r} that tests/adapters/"
        "uvicorn_table.py does not know: add it to OPTIONS, or to ELSEWHERE with the reason "
        "why no WebSocket can tell"
    )


def test_every_flag_of_the_command_line_is_an_option_in_the_table() -> None:
    options = set(inspect.signature(uvicorn.Config).parameters)
    flags = {parameter.name for parameter in command.params}
    assert flags - options <= {"app_dir", "version"}


def test_every_difference_is_of_scenarios_that_exist_and_in_the_documentation() -> None:
    for difference in DIFFERENCES:
        assert difference.scenarios <= MESSAGES.keys() | OPTIONS.keys()
    page = Path(__file__).parents[2] / "docs" / "peers" / "uvicorn.md"
    assert markdown() in page.read_text(), f"put this into {page}:\n{markdown()}"
