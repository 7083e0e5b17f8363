"""Masking keys: unpredictable, new for each frame, never shared (RFC 6455 section 5.3)."""

from __future__ import annotations

import os
import threading
from collections import Counter
from types import SimpleNamespace

import pytest

from conftest import CORE
from helpers import python

pytestmark = pytest.mark.every_cpu

KEYS = 5_000  # many more than the compiled codec fetches at a time


def test_masking_keys_are_four_bytes_and_do_not_repeat(codec: SimpleNamespace) -> None:
    keys = [codec.new_masking_key() for _ in range(KEYS)]
    assert {type(key) for key in keys} == {bytes}
    assert {len(key) for key in keys} == {4}
    # Of 5,000 out of 2**32, two are equal once in 340 runs; three pairs once in 10**8.
    assert len(set(keys)) >= KEYS - 2


def test_masking_keys_bytes_are_evenly_distributed(codec: SimpleNamespace) -> None:
    data = b"".join(codec.new_masking_key() for _ in range(4 * KEYS))
    expected = len(data) / 256
    spread = sum((n - expected) ** 2 / expected for n in Counter(data).values())
    # Chi squared with 255 degrees of freedom: outside these once in 10**7 runs.
    assert 150 < spread < 390


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_masking_keys_after_a_fork_differ_from_the_parents(codec: SimpleNamespace) -> None:
    codec.new_masking_key()  # so that there is something to inherit
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, b"".join(codec.new_masking_key() for _ in range(300)))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        data = pipe.read()
    os.waitpid(child, 0)
    theirs = {data[i : i + 4] for i in range(0, len(data), 4)}
    ours = {codec.new_masking_key() for _ in range(300)}
    assert len(data) == 1200
    assert len(theirs & ours) <= 1


def test_masking_keys_of_threads_differ(codec: SimpleNamespace) -> None:
    found: list[list[bytes]] = []

    def take() -> None:
        found.append([codec.new_masking_key() for _ in range(1000)])

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keys = [key for some in found for key in some]
    assert len(keys) == 8000
    assert len(set(keys)) >= len(keys) - 3


@pytest.mark.skipif(CORE is None, reason="the compiled extension is not installed")
def test_masking_keys_dropped_are_replaced_by_fresh_entropy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a child process does first; here in one process, where it can be seen."""
    fetched: list[int] = []
    genuine = os.urandom

    def urandom(count: int) -> bytes:
        fetched.append(count)
        return genuine(count)

    monkeypatch.setattr(os, "urandom", urandom)
    CORE.new_masking_key()
    fetched.clear()
    for _ in range(3):
        CORE.drop_masking_keys()
        CORE.new_masking_key()
        CORE.new_masking_key()
    assert len(fetched) in (3, 4)  # one more if the last of a thousand bytes were due


FORKED_IN_C = """
import ctypes
import os
import wsfast
libc = ctypes.PyDLL(None)  # whose fork() Python does not see, so that none of its hooks run
wsfast.new_masking_key()
reading, writing = os.pipe()
child = libc.fork()
keys = [wsfast.new_masking_key() for _ in range(200)]
if child == 0:
    os.write(writing, b"".join(keys))
    os._exit(0)
os.close(writing)
with os.fdopen(reading, "rb") as pipe:
    data = pipe.read()
os.waitpid(child, 0)
theirs = {data[i : i + 4] for i in range(0, len(data), 4)}
print(len(data), len(theirs & set(keys)) <= 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("backend", ["pure", *(["native"] if CORE else [])])
def test_masking_keys_after_a_fork_in_c_differ_from_the_parents(backend: str) -> None:
    done = python(FORKED_IN_C, WSFAST_BACKEND=backend)
    assert (done.returncode, done.stdout) == (0, "800 True\n"), done.stderr
