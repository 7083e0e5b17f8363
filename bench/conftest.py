"""Benchmarks: their cases, which sizes are run, and what a missing peer means."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

import message_peers  # noqa: F401 # enters its rows
import peers
import wsfast
from samples import ALL_SIZES, SIZES, sample, size_name


@dataclass(frozen=True)
class Case:
    """What one benchmark measures: ``contender`` is what the library does, ready to call."""

    operation: str
    peer: str
    size: int
    alphabet: str
    contender: peers.Contender

    @property
    def group(self) -> str:
        """What it is compared with: the same work by others."""
        return f"{self.operation}/{size_name(self.size)}/{self.alphabet}"

    def sample(self) -> bytes:
        return sample(self.alphabet, self.size)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all-sizes",
        action="store_true",
        help="masking and UTF-8: from 0 bytes to 16 MiB, not only the usual sizes",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "measures(operation, alphabets, sizes=…): one case for each peer, size and alphabet",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize ``case`` for the benchmarks that say what they measure."""
    marker = metafunc.definition.get_closest_marker("measures")
    if marker is None:
        return
    operation, alphabets = marker.args
    wide = metafunc.module.__name__ in ("bench_mask", "bench_utf8")
    everything = wide and metafunc.config.getoption("--all-sizes")
    sizes = marker.kwargs.get("sizes", ALL_SIZES if everything else SIZES)
    cases = [
        (operation, peer, size, alphabet)
        for alphabet in alphabets
        for size in sizes
        for peer in peers.rows(operation)
    ]
    ids = [f"{peer}-{size_name(size)}-{alphabet}" for _, peer, size, alphabet in cases]
    metafunc.parametrize("case", cases, ids=ids, indirect=True)


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Case:
    """The case; it is skipped if its peer is not installed."""
    operation, peer, size, alphabet = request.param
    try:
        contender = peers.contender(operation, peer)
    except ModuleNotFoundError as error:
        pytest.skip(f"peer {peer} is not installed: {error}")
    return Case(operation, peer, size, alphabet, contender)


def pytest_report_header() -> str:
    return f"wsfast: {wsfast.backend()!r}"
