"""The codecs under test: the one in Python, and the compiled one with each kernel.

Every test that takes the fixture ``codec`` runs on all of them, or on those that the
option ``--codecs`` names.  A kernel that this CPU can't run is skipped, and says so.
"""

from __future__ import annotations

import importlib
import os
import re
import signal
from collections.abc import Callable, Generator, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any, TypeVar

import pytest

import wsfast
from wsfast import _pure

# A shell's background job ignores SIGINT, and so would every process that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Where what is skipped for lack of a library would look as if it had passed: sessions of
# noxfile.py that install all of them.
ALL_LIBRARIES = os.environ.get("WSFAST_REQUIRE_LIBRARIES") == "1"
LACKING = re.compile(r"could not import|not installed|No module named")
_Report = TypeVar("_Report", pytest.TestReport, pytest.CollectReport)


def _judged(report: _Report) -> _Report:
    if ALL_LIBRARIES and report.skipped and LACKING.search(str(report.longrepr)):
        report.outcome, report.longrepr = "failed", f"WSFAST_REQUIRE_LIBRARIES=1: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _judged((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _judged((yield))


CODEC_NAMES = _pure.__all__


def _core() -> ModuleType | None:
    try:
        return importlib.import_module("wsfast._native.core")
    except ModuleNotFoundError as error:
        if error.name != "wsfast._native.core" or os.environ.get("WSFAST_REQUIRE_EXTENSION") == "1":
            raise
        return None


CORE = _core()
_COMPILED = [f"native-{kernel}" for kernel in CORE.kernels_compiled()] if CORE else []
_IN_USE = [f"native-{CORE.kernel_in_use()}"] if CORE else []
CODECS = {
    "all": ["pure", *_COMPILED],
    "users": ["pure", *_IN_USE],
    "native": _IN_USE,
}


def pure_codec() -> SimpleNamespace:
    """Return the names that the twins share, from the codec in Python."""
    return SimpleNamespace(name="pure", **{name: getattr(_pure, name) for name in _pure.__all__})


def native_codec() -> SimpleNamespace:
    """Return the same, from the compiled codec with the kernel then in use."""
    assert CORE is not None
    return SimpleNamespace(name="native", **{name: getattr(CORE, name) for name in CORE.__all__})


@pytest.fixture
def on_the_codec(
    codec: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Put the codec under test in the place of the one that users get, in the test's module too."""
    from helpers import put_in_place

    put_in_place(codec, monkeypatch, request.module.__name__)


@pytest.fixture(params=["receive", "buffer_updated"])
def arrive(
    request: pytest.FixtureRequest,
) -> Callable[[wsfast.Connection, bytes], Iterator[Any]]:
    """Both ways in which bytes can arrive at a connection."""

    def call(connection: wsfast.Connection, wire: bytes) -> Iterator[Any]:
        if request.param == "receive":
            return connection.receive(wire)
        connection.get_buffer()[: len(wire)] = wire
        return connection.buffer_updated(len(wire))

    return call


@pytest.fixture(scope="module", params=[False, True], ids=["at once", "gathered"])
def gathered(request: pytest.FixtureRequest) -> bool:
    """Whether an adapter gathers answers while messages wait."""
    return bool(request.param)


@pytest.fixture(params=CODECS["all"])
def codec(request: pytest.FixtureRequest) -> Iterator[SimpleNamespace]:
    """Each codec in turn: its public names as attributes."""
    name: str = request.param
    if name == "pure":
        yield pure_codec()
        return
    assert CORE is not None
    kernel = name.removeprefix("native-")
    if kernel not in CORE.kernels_that_run():
        pytest.skip(f"kernel {kernel}: this CPU does not run it")
    before = CORE.kernel_in_use()
    CORE.select_kernel(kernel)
    try:
        yield native_codec()
    finally:
        CORE.select_kernel(before)


@pytest.fixture
def twins() -> tuple[SimpleNamespace, SimpleNamespace]:
    """The codec in Python and the compiled one, with the kernel that users get."""
    if CORE is None:
        pytest.skip("the compiled extension is not installed")
    return pure_codec(), native_codec()


@pytest.fixture
def switch_on() -> Iterator[Callable[[str], list[wsfast.Acceleration]]]:
    """Accelerate a peer for the time of a test; skip the test if the peer can't be."""

    def switch(name: str) -> list[wsfast.Acceleration]:
        rows = wsfast.accelerate(name)
        if rows[0].seam == "":
            pytest.skip(f"{name}: {rows[0].reason}")
        return rows

    yield switch
    wsfast.restore()


def pytest_addoption(parser: pytest.Parser) -> None:
    says = "the codecs to test: with each kernel, those that users get here, or the compiled one"
    parser.addoption("--codecs", choices=CODECS, default="all", help=says)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of a codec that was not asked for."""
    wanted = {None, *CODECS[config.getoption("codecs")]}
    config.hook.pytest_deselected(items=[item for item in items if codec_of(item) not in wanted])
    items[:] = [item for item in items if codec_of(item) in wanted]


def codec_of(item: pytest.Item) -> str | None:
    """Return the name of the codec that a test runs on, if it takes one."""
    name: str | None = item.callspec.params.get("codec") if hasattr(item, "callspec") else None
    return name


def pytest_report_header() -> str:
    return f"wsfast: {wsfast.backend()!r}"
