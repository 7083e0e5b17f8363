"""The C API: what the wheel ships, and another extension module that uses it."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import wsfast

ROOT = Path(__file__).parents[2]
INCLUDE = Path(wsfast.get_include())
KEY = b"\x37\xfa\x21\x3d"
SETUP = """
import sys
from Cython.Build import cythonize
from setuptools import Extension, setup

source, include, package, name = sys.argv[1:]
flags = [] if sys.platform == "win32" else ["-O0"]  # it is built for the test alone
sys.argv[1:] = ["-q", "build_ext", "--inplace"]
extension = Extension(name, [source], include_dirs=[include], extra_compile_args=flags)
setup(name=name, ext_modules=cythonize([extension], include_path=[package], quiet=True))
"""


EXAMPLE = (ROOT / "examples" / "cython_user.pyx").read_text(encoding="utf-8")


def build(directory: Path, name: str = "cython_user", code: str = EXAMPLE) -> None:
    """Build the example as its users do, against the wsfast that is under test."""
    pytest.importorskip("Cython", reason="Cython is not installed")
    pytest.importorskip("setuptools", reason="setuptools is not installed")
    if sys.platform != "win32" and not any(map(shutil.which, ("cc", "gcc", "clang"))):
        pytest.skip("no C compiler")
    source = directory / f"{name}.pyx"
    source.write_text(code, encoding="utf-8")
    package = str(Path(wsfast.__file__).parents[1])
    words = [sys.executable, "-c", SETUP, source.name, str(INCLUDE), package, name]
    subprocess.run(words, cwd=directory, check=True)


def load(directory: Path, name: str) -> subprocess.CompletedProcess[str]:
    """Import the module in an interpreter of its own."""
    paths = [str(directory), str(Path(wsfast.__file__).parents[1])]
    return subprocess.run(
        [sys.executable, "-c", f"import {name}"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    if wsfast.backend().name != "native":
        pytest.skip("wsfast without a compiled part has no C API")
    directory = tmp_path_factory.mktemp("cython_user")
    build(directory)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(directory))
        return __import__("cython_user")


def test_c_api_is_shipped() -> None:
    assert INCLUDE.is_absolute()
    assert (INCLUDE / "wsfast.h").is_file()
    assert (INCLUDE.parent / "c_api.pxd").is_file()


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 15, 16, 17, 63, 64, 65, 1000])
@pytest.mark.parametrize("offset", [0, 1, 2, 3, 2**40 + 1])
def test_c_api_masks(user: ModuleType, size: int, offset: int) -> None:
    payload = random.Random(size).randbytes(size)
    masked = bytearray(payload)
    user.mask(masked, KEY, offset)
    assert masked == bytes(byte ^ KEY[(offset + i) % 4] for i, byte in enumerate(payload))


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"plain",
        "日本語 🙂".encode(),
        b"caf\xe9!",
        b"\xed\xa0\x80",
        b"a\xf0\x9f\x99",
        b"x" * 99,
    ],
    ids=ascii,
)
def test_c_api_validates_across_fragments(user: ModuleType, message: bytes) -> None:
    try:
        message.decode()
        fault = None
    except UnicodeDecodeError as error:
        fault = error.start
    for at in range(len(message) + 1):
        assert user.first_fault([message[:at], message[at:]]) == fault
    assert user.first_fault([message[i : i + 1] for i in range(len(message))]) == fault


@pytest.mark.parametrize("text", ["日本語 🙂 " * 20, "", "a"], ids=["long", "empty", "one"])
def test_c_api_unmasks_and_validates_in_one_pass(user: ModuleType, text: str) -> None:
    payload = bytearray(wsfast.apply_mask(text.encode(), KEY))
    assert user.unmask_text(payload, KEY) is True
    assert payload == text.encode()
    broken = bytearray(wsfast.apply_mask(text.encode() + b"\xff", KEY))
    assert user.unmask_text(broken, KEY) is False
    assert broken == text.encode() + b"\xff"


def test_c_api_of_another_version_is_refused(user: ModuleType, tmp_path: Path) -> None:
    header = (INCLUDE / "wsfast.h").read_text()
    later = header.replace("#define WSFAST_API_VERSION 1\n", "#define WSFAST_API_VERSION 2\n")
    assert later != header
    (tmp_path / "wsfast.h").write_text(later)
    # The directory of the source is searched before those of include_dirs.
    build(tmp_path, "user_of_version_2")
    done = load(tmp_path, "user_of_version_2")
    assert done.returncode == 1
    assert "ImportError: this module was built with version 2 of wsfast's C API" in done.stderr
    assert "the installed wsfast has version 1" in done.stderr


def test_c_api_page_has_an_example_that_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if wsfast.backend().name != "native":
        pytest.skip("wsfast without a compiled part has no C API")
    page = (ROOT / "docs" / "api" / "c-api.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```cython\n(.*?)```", page, re.DOTALL)
    build(tmp_path, "of_the_page", block)
    monkeypatch.syspath_prepend(str(tmp_path))
    module = __import__("of_the_page")
    assert module.is_utf8_so_far("Grüße".encode()[:3])
    assert not module.is_utf8_so_far(b"Gr\xfc\xdfe")
