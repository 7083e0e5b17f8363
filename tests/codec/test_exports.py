"""What ``import wsfast`` gives, and what it does not import.

The list of names is written here independently.
"""

from __future__ import annotations

import ast
import enum
import importlib
import inspect
from types import SimpleNamespace

import pytest

import wsfast
from helpers import python
from wsfast import _backend, _pure

# What the package is for: these names are stable.
STABLE = """
apply_mask apply_mask_inplace is_valid_utf8 validate_utf8 decode_utf8 encode_utf8 Utf8Validator
Frame FrameDecoder encode_frame new_masking_key MessageDecoder Text Binary Ping Pong Close
TextPart BinaryPart
Opcode CloseCode encode_close parse_close ProtocolViolation ProtocolError InvalidUTF8 Cause
MessageTooBig backend BackendInfo
""".split()  # noqa: SIM905 # read as a list of names
# Servers pay for what is imported; none of these is needed to decode.
NOT_IMPORTED = """
asyncio ssl socket typing dataclasses ctypes inspect logging random secrets hashlib json re
websockets wsproto aiohttp autobahn tornado wsaccel numpy
""".split()  # noqa: SIM905


def test_exports_are_those_of_the_design() -> None:
    assert len(set(wsfast.__all__)) == len(wsfast.__all__)
    assert set(STABLE) <= set(wsfast.__all__)


@pytest.mark.parametrize("name", wsfast.__all__)
def test_export_is_there_and_documented(name: str) -> None:
    value = getattr(wsfast, name)
    assert value.__doc__  # its own: inspect.getdoc() would take that of a base class
    if inspect.isclass(value):
        own = {n: v for n, v in vars(value).items() if not n.startswith("_") and callable(v)}
        assert [n for n, method in own.items() if not method.__doc__] == []


def test_exports_twins_have_the_same_names(twins: tuple[SimpleNamespace, SimpleNamespace]) -> None:
    pure, native = (sorted(vars(codec).keys() - {"name"}) for codec in twins)
    assert pure == native == sorted(set(pure))


def test_exports_of_the_codec_are_those_of_the_twin_in_use() -> None:
    info = wsfast.backend()
    twin = _pure if info.name == "pure" else importlib.import_module("wsfast._native.core")
    for name in twin.__all__:
        assert getattr(_backend, name) is getattr(twin, name)
        assert name not in wsfast.__all__ or getattr(wsfast, name) is getattr(twin, name)


def test_exports_nothing_else_public_but_modules() -> None:
    others = {
        name
        for name, value in vars(wsfast).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert others - {"TYPE_CHECKING"} <= set(wsfast.__all__)


def test_exports_imported_later_are_typed_as_what_they_are() -> None:
    """The imports for type checkers say what is imported when it is first asked for."""
    source = ast.parse(inspect.getsource(wsfast))
    block = next(
        node
        for node in source.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    typed = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.level == 1
        for alias in node.names
    }
    assert typed == wsfast._LATER
    assert typed.keys() <= set(wsfast.__all__)


def test_exports_imported_later_are_listed_and_kept() -> None:
    code = """
import wsfast
assert set(wsfast.__all__) <= set(dir(wsfast)), set(wsfast.__all__) - set(dir(wsfast))
assert "Connection" not in vars(wsfast)
assert wsfast.Connection is vars(wsfast)["Connection"]
"""
    done = python(code)
    assert (done.stderr, done.returncode) == ("", 0)


def test_exports_opcodes_and_codes_are_int_enums() -> None:
    assert issubclass(wsfast.Opcode, enum.IntEnum)
    assert issubclass(wsfast.CloseCode, enum.IntEnum)


@pytest.mark.parametrize("backend", ["", "pure"], ids=["default", "pure"])
def test_import_drags_in_nothing_heavy(backend: str) -> None:
    code = f"""
before = set(sys.modules)
import wsfast
wire = wsfast.encode_frame(1, "x", masking_key=wsfast.new_masking_key())
assert list(wsfast.MessageDecoder("server").feed(wire)) == [wsfast.Text("x")]
print(*sorted((set(sys.modules) - before) & set({NOT_IMPORTED!r})))
"""
    done = python(code, "-S", "-E", "-s", WSFAST_BACKEND=backend)
    assert done.stderr == ""
    assert done.stdout == "\n"


def test_import_star_gives_the_list() -> None:
    done = python("from wsfast import *; print(Text, MessageDecoder('server').feed(b''))")
    assert done.returncode == 0, done.stderr
