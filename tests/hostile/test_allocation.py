"""Memory that runs out: in any operation, at any allocation, it is a MemoryError at worst.

What can crash runs in processes of its own: see allocation.py.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import wsfast
from conftest import CORE
from helpers import PACKAGE, UNDER_ASAN, python
from wsfast import _pure

HERE = Path(__file__).parent
BACKENDS = pytest.mark.parametrize("backend", ["pure", *(["native"] if CORE else [])])

IN_PYTHON = [
    "Utf8Validator, faulty",
    "feed, fragments",
    "feed, faulty text",
    "feed, a frame in two reads",
    "feed, a bad frame",
    "feed, inflating",
    "next, a message",
    "next, faulty text",
    "take_part",
    "fragment",
    "compare Text(data='text')",
    "Connection.send_binary, compressed, in fragments",
    "MessageSink.feed",
    "MessageSink.feed, faulty fragments",
    "Connection.receive, faulty",
    "Connection.receive, compressed",
]
# Public, and not among the operations.
EXCEPTED = {
    "Backoff": "in Python, and numbers only",
    "accelerate": "imports libraries, which do what they like without memory",
    "backend": "reports what was found when wsfast was imported",
    "compare": "in Python, and keeps nothing",
    "diagnose": "in Python, and keeps nothing",
    "explain": "in Python, and keeps nothing",
    "get_include": "the path of a folder",
    "restore": "as accelerate",
    "retry": "calls what the caller gives it, and waits",
    "retry_async": "calls what the caller gives it, and waits",
    "should_reconnect": "in Python, and keeps nothing",
    "worth_retrying": "in Python, and keeps nothing",
}

# Called by its own modules only; the compiled codec has none of them.
OF_THE_CODEC_IN_PYTHON = {"at", "finish_after", "next_fragment", "pending_count"}


def named_in_the_operations() -> set[str]:
    """Return every name that the operations use: of functions, of types, of attributes."""
    nodes: list[ast.AST] = []
    for name in ("allocation_operations.py", "allocation_kinds.py"):
        text = (HERE / name).read_text(encoding="utf-8")
        nodes += ast.walk(ast.parse(text))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return names | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def is_value(kind: Any) -> bool:
    """Tell whether that is a type in Python of values, or of errors."""
    return isinstance(kind, type) and (
        issubclass(kind, (BaseException, Enum)) or hasattr(kind, "__match_args__")
    )


def test_each_public_callable_is_among_the_operations_or_excepted() -> None:
    codec = {name: getattr(_pure, name) for name in _pure.__all__}
    others = {name: getattr(wsfast, name) for name in {*wsfast.__all__} - {*codec}}
    expected = {*codec, *(name for name, value in others.items() if not is_value(value))}
    for kind in (*codec.values(), *others.values()):
        if isinstance(kind, type) and not is_value(kind) and kind.__name__ not in EXCEPTED:
            expected |= {
                name
                for name in dir(kind)
                if not name.startswith("_")
                and (callable(getattr(kind, name)) or isinstance(getattr(kind, name), property))
            }
    assert expected - named_in_the_operations() == set(EXCEPTED) | OF_THE_CODEC_IN_PYTHON


@pytest.mark.skipif(find_spec("_testcapi") is None, reason="this Python has no _testcapi")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.skipif(UNDER_ASAN, reason="AddressSanitizer has an allocator of its own")
@BACKENDS
def test_allocation_that_fails_is_no_crash_and_no_violation(backend: str) -> None:
    """The codec in Python has nothing of its own that could crash: a few are enough."""
    script = HERE / "allocation.py"
    done = subprocess.run(
        [sys.executable, script, *(IN_PYTHON if backend == "pure" else [])],
        env={"PYTHONPATH": str(PACKAGE.parent), "WSFAST_BACKEND": backend},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    stopped = [int(line.rpartition(": ")[2].split()[0]) for line in lines]
    assert len(lines) == len(IN_PYTHON) if backend == "pure" else len(lines) > 100
    assert sum(count > 0 for count in stopped) > 0.9 * len(lines)  # it was really without memory


PLANTED = """
from allocation import OPERATIONS, in_child
from allocation_kinds import same

class Planted:
    def __del__(self):
        raise ValueError("planted")

OPERATIONS["planted"] = same(lambda: lambda: bool(Planted()))
print(in_child("planted"))
"""


@pytest.mark.skipif(find_spec("_testcapi") is None, reason="this Python has no _testcapi")
def test_an_error_that_python_ignores_is_found() -> None:
    done = python(PLANTED, PYTHONPATH=os.pathsep.join([str(PACKAGE.parent), str(HERE)]))
    assert done.returncode == 0, done.stderr
    assert "failed, for it printed:\nException ignored in: " in done.stdout
    assert "ValueError: planted" in done.stdout


FULL = """
import resource
import wsfast

def encoded(opcode, payload, **options):
    return wsfast.encode_frame(opcode, payload, **options)

wires = {
    "text": encoded(1, b"a\\xff"),
    "fragments": encoded(1, b"a\\xe2", fin=False) + encoded(0, b"a"),
    "cut": encoded(1, b"a\\xe2"),
    "close": encoded(8, b"\\x03\\xe8\\xff"),
    "code": encoded(8, b"\\x03\\xee"),
    "opcode": b"\\x83\\x00",
    "mask": b"\\x81\\x81abcda",
    "events": encoded(9, b"abc") * 500,
    "large": encoded(2, bytes(2**19)),
}
decoders = {
    (kind.__name__, name): kind("client")
    for kind in (wsfast.MessageDecoder, wsfast.FrameDecoder)
    for name in wires
}
outcomes = dict.fromkeys(decoders)
resource.setrlimit(resource.RLIMIT_AS, (2**29, -1))
filling, size = [], 2**26
while size >= 16:
    try:
        while True:
            filling.append(bytearray(size))
    except MemoryError:
        size //= 2
for key, decoder in decoders.items():
    for _ in range(3):
        try:
            try:
                for event in decoder.feed(wires[key[1]]):
                    pass
            except BaseException as error:
                if outcomes[key] is None or isinstance(outcomes[key], MemoryError):
                    outcomes[key] = error
        except MemoryError:
            pass  # the loop and the handler need memory too
filling.clear()
for (kind, name), outcome in outcomes.items():
    assert isinstance(
        outcome, (wsfast.ProtocolViolation, MemoryError, RuntimeError, SystemError, type(None))
    ), (name, outcome)
    if name in ("events", "large"):
        assert not isinstance(outcome, wsfast.ProtocolViolation), (name, outcome)
    (pong,) = wsfast.MessageDecoder("client").feed(encoded(10, b"a"))
print("done")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs RLIMIT_AS")
@pytest.mark.skipif(UNDER_ASAN, reason="AddressSanitizer would end the process")
@pytest.mark.skipif(CORE is None, reason="the compiled extension isn't installed")
def test_allocation_in_an_address_space_that_is_full_is_no_crash() -> None:
    done = python(FULL, WSFAST_BACKEND="native")
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
