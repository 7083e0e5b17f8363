"""Strings that wsfast makes itself are those that CPython would have made.

CPython demands the narrowest storage that holds a text (PEP 393); a wider string is unequal to
the same text.  The oracles are CPython's decoder and its own check of consistency, which aborts
the process, so it runs in a separate one.
"""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

pytestmark = [pytest.mark.every_cpu, pytest.mark.kernels]

# The last code points of each storage and of each length in UTF-8, and the first beyond.
EDGES = [0x7F, 0x80, 0xFF, 0x100, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF]
LENGTHS = [*range(70), 125, 126, 127, 128, 255, 256, 257, 1000, 4095, 4096, 5000]


def texts(edge: int) -> list[str]:
    """Texts in which the code point stands alone, first, in the middle, last, throughout."""
    wide = chr(edge)
    found = []
    for n in LENGTHS:
        found += [wide + "a" * n, "a" * n + wide, "a" * (n // 2) + wide + "é" * (n // 2)]
        found += [wide * n, "漢" * n + wide, (wide + "ab") * n]
    return found


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: f"U+{edge:04X}")
def test_decode_utf8_any_storage_is_as_narrow_as_cpython_makes_it(
    codec: SimpleNamespace, edge: int
) -> None:
    for text in texts(edge):
        encoded = text.encode()
        decoded = codec.decode_utf8(encoded)
        assert decoded == encoded.decode()
        assert sys.getsizeof(decoded) == sys.getsizeof(encoded.decode())
        assert hash(decoded) == hash(text)


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: f"U+{edge:04X}")
def test_message_whole_or_fragmented_gives_the_same_string(
    codec: SimpleNamespace, edge: int
) -> None:
    for text in texts(edge)[::7]:
        encoded = text.encode()
        cut = len(encoded) // 3
        key = b"\x12\x34\x56\x78"
        wire = codec.encode_frame(1, encoded, masking_key=key)
        wire += codec.encode_frame(1, encoded[:cut], fin=False, masking_key=key)
        wire += codec.encode_frame(0, encoded[cut:], masking_key=key)
        whole, put_together = codec.MessageDecoder("server").feed(wire)
        assert whole.data == put_together.data == text
        assert sys.getsizeof(whole.data) == sys.getsizeof(put_together.data)
        assert sys.getsizeof(whole.data) == sys.getsizeof(encoded.decode())


CHECK = """
import ctypes, sys
sys.path.insert(0, {tests!r})
from test_strings import EDGES, texts
import wsfast
consistent = ctypes.pythonapi._PyUnicode_CheckConsistency
consistent.argtypes = [ctypes.py_object, ctypes.c_int]
decoder = wsfast.MessageDecoder("client")
checked = 0
for edge in EDGES:
    for text in texts(edge):
        wire = wsfast.encode_frame(1, text)
        for made in (wsfast.decode_utf8(text.encode()), *(m.data for m in decoder.feed(wire))):
            assert consistent(made, 1)
            checked += 1
print(checked)
"""


def test_strings_pass_the_interpreters_own_check() -> None:
    tests = __file__.rpartition("/")[0]
    run = subprocess.run(
        [sys.executable, "-c", CHECK.format(tests=tests)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) == 2 * len(EDGES) * 6 * len(LENGTHS)
