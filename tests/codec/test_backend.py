"""The choice of a codec: reported, forced by name, and never silently the slow one.

Each test runs an interpreter of its own: the choice is made once, at import.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import wsfast
from conftest import CORE
from helpers import PACKAGE, python

SHOW = "import wsfast; b = wsfast.backend(); print(b.name, b.kernel, b.reason, sep='|')"

needs_extension = pytest.mark.skipif(CORE is None, reason="the compiled extension isn't installed")


def test_backend_pure_forced_by_name() -> None:
    done = python(SHOW, WSFAST_BACKEND="pure")
    assert done.stdout == "pure||WSFAST_BACKEND=pure\n"


def test_backend_pure_does_not_load_the_extension() -> None:
    code = "import wsfast, sys; print('wsfast._native.core' in sys.modules)"
    assert python(code, WSFAST_BACKEND="pure").stdout == "False\n"


@needs_extension
@pytest.mark.parametrize("wanted", ["", "native"])
def test_backend_native_by_default_and_by_name(wanted: str) -> None:
    name, kernel, reason = python(SHOW, WSFAST_BACKEND=wanted).stdout.strip("\n").split("|")
    assert (name, reason) == ("native", "")
    assert CORE is not None
    assert kernel == CORE.kernels_that_run()[-1]


@pytest.mark.parametrize("wanted", ["Native", "python", "1", " pure"])
def test_backend_unknown_name_refused(wanted: str) -> None:
    done = python("import wsfast", WSFAST_BACKEND=wanted)
    assert done.returncode == 1
    assert done.stderr.endswith(
        f"ImportError: WSFAST_BACKEND must be 'native' or 'pure', not {wanted!r}\n"
    )


@needs_extension
def test_backend_unknown_kernel_refused() -> None:
    done = python("import wsfast", WSFAST_KERNEL="sse9")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: WSFAST_KERNEL=sse9: that kernel is not compiled in; here ")
    assert CORE is not None
    assert last.endswith(", ".join(CORE.kernels_that_run()))


@pytest.mark.parametrize("kernel", CORE.kernels_compiled() if CORE is not None else [])
def test_backend_kernel_that_does_not_run_here_refused(kernel: str) -> None:
    """Where all of them run, `nox -s cpus` sees that one is refused, on an emulated CPU."""
    assert CORE is not None
    if kernel in CORE.kernels_that_run():
        assert python(SHOW, WSFAST_KERNEL=kernel).stdout == f"native|{kernel}|\n"
    else:
        done = python("import wsfast", WSFAST_KERNEL=kernel)
        assert done.returncode == 1
        assert f"WSFAST_KERNEL={kernel}: that kernel does not run on this CPU" in done.stderr


def test_backend_kernel_of_no_meaning_to_the_pure_codec() -> None:
    assert python(SHOW, WSFAST_BACKEND="pure", WSFAST_KERNEL="sse9").stdout.startswith("pure|")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the package without its extension; where it is to be found."""
    shutil.copytree(
        PACKAGE,
        tmp_path / "wsfast",
        ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__", "*.c", "*.h"),
    )
    return tmp_path


def extension() -> Path:
    assert CORE is not None
    return Path(CORE.__file__ or "")


def test_backend_missing_extension_gives_pure_and_says_so(copied: Path) -> None:
    done = python(SHOW, path=copied)
    assert done.stdout == "pure||the compiled extension is not installed\n"


def test_backend_missing_extension_is_an_error_if_native_is_forced(copied: Path) -> None:
    done = python("import wsfast", path=copied, WSFAST_BACKEND="native")
    assert done.returncode == 1
    assert "ModuleNotFoundError: No module named 'wsfast._native.core'" in done.stderr


@needs_extension
@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(lambda whole: b"", id="empty"),
        pytest.param(lambda whole: b"this is no shared object\n" * 100, id="garbage"),
        pytest.param(lambda whole: whole[:50], id="truncated"),
        pytest.param(lambda whole: whole.replace(b"PyInit_core", b"PyInit_none"), id="no-init"),
    ],
)
def test_backend_broken_extension_is_loud(copied: Path, broken: object) -> None:
    there = copied / "wsfast" / "_native" / extension().name
    there.write_bytes(broken(extension().read_bytes()))  # type: ignore[operator]
    done = python(SHOW, path=copied)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("ImportError: ")


def test_backend_extension_that_lacks_what_it_imports_is_loud(copied: Path) -> None:
    """A ``ModuleNotFoundError`` of another module is not a missing extension."""
    (copied / "wsfast" / "_native" / "core.py").write_text("import a_module_that_is_not_there\n")
    done = python(SHOW, path=copied)
    assert done.returncode == 1
    assert "No module named 'a_module_that_is_not_there'" in done.stderr


def test_backend_info_is_a_record() -> None:
    info = wsfast.backend()
    assert info == wsfast.backend()
    assert hash(info) == hash(wsfast.backend())
    with pytest.raises(AttributeError):
        info.name = "other"  # type: ignore[misc]
    match info:
        case wsfast.BackendInfo("native", kernel, kernels, cpu_features, ""):
            assert kernel in kernels
            assert kernels[0] == "scalar"
            assert all(type(feature) is str for feature in cpu_features)
        case wsfast.BackendInfo("pure", "", (), (), reason):
            assert reason


def test_backend_codec_fixture_runs_the_kernel_it_names(
    codec: SimpleNamespace, request: pytest.FixtureRequest
) -> None:
    """Else all that the kernels are tested with would test one of them."""
    name = request.node.callspec.params["codec"]
    if name == "pure":
        assert codec.apply_mask.__module__ == "wsfast._pure.mask"
        assert codec.MessageDecoder.__module__ == "wsfast._pure.messages"
    else:
        assert CORE is not None
        assert f"native-{CORE.kernel_in_use()}" == name
        assert codec.MessageDecoder.__module__ == "wsfast._native.core"
        assert codec.apply_mask.__module__ == "wsfast._native.core"
        assert sys.modules["wsfast._native.core"] is CORE
