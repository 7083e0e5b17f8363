"""Subinterpreters, each with its own GIL: the package imports and decodes in all at once.

Other extensions fail here (PEP 684): one must declare that it supports them, and share no
object.  They share only the kernels' table, which is the same for all.
"""

from __future__ import annotations

import importlib
import sys
import threading
from types import ModuleType

import pytest

from conftest import CORE
from helpers import PACKAGE, python

needs_extension = pytest.mark.skipif(CORE is None, reason="the compiled extension isn't installed")

WORK = """
import sys
sys.path.insert(0, {path!r})
import wsfast
assert wsfast.backend().name == {backend!r}, wsfast.backend()
text = "grün 漢字 🙂" * 20
wire = wsfast.encode_frame(1, text[:50], fin=False, masking_key=b"abcd")
wire += wsfast.encode_frame(9, b"ping", masking_key=b"dcba")
wire += wsfast.encode_frame(0, text[50:], masking_key=b"efgh")
decoder = wsfast.MessageDecoder("server")
for _ in range({times}):
    assert list(decoder.feed(wire)) == [wsfast.Ping(b"ping"), wsfast.Text(text)]
try:
    wsfast.validate_utf8(b"ab\\xed\\xa0\\x80")
except wsfast.InvalidUTF8 as violation:
    assert (violation.offset, violation.detected_at) == (2, 3)
    assert violation.cause is wsfast.Cause.SURROGATE
    assert violation.close_frame()
else:
    raise SystemExit("not refused")
"""

# One process for each test: what goes wrong with interpreters takes the process along.
OWN_GIL = """
import threading
try:
    import _interpreters as interpreters  # 3.13
except ImportError:
    import _xxsubinterpreters as interpreters  # 3.12
work = {work!r}
failed = []

def run():
    try:
        for _ in range({rounds}):
            if hasattr(interpreters, "new_config"):
                number = interpreters.create(interpreters.new_config("isolated"))
            else:
                number = interpreters.create(isolated=True)
            try:
                problem = interpreters.run_string(number, work)
                if problem is not None:
                    failed.append(str(problem))
            finally:
                interpreters.destroy(number)
    except BaseException as error:
        failed.append(repr(error))

threads = [threading.Thread(target=run) for _ in range({threads})]
for thread in threads:
    thread.start()
if {here}:
    exec(work)
for thread in threads:
    thread.join()
print(failed or "fine")
"""


def own_gil(threads: int, rounds: int, *, here: bool, backend: str = "") -> str:
    """Run the work in interpreters of their own; return what was said of it."""
    if sys.version_info < (3, 12):
        pytest.skip("an interpreter with its own GIL came with Python 3.12 (PEP 684)")
    work = WORK.format(path=str(PACKAGE.parent), backend=backend or "native", times=300)
    code = OWN_GIL.format(work=work, threads=threads, rounds=rounds, here=here)
    done = python(code, WSFAST_BACKEND=backend)
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_extension
def test_subinterpreter_own_gil_decodes() -> None:
    assert own_gil(1, 1, here=False) == "fine\n"


@needs_extension
def test_subinterpreter_own_gil_several_at_once_and_the_main_one() -> None:
    assert own_gil(4, 2, here=True) == "fine\n"


@needs_extension
def test_subinterpreter_own_gil_one_after_another_in_one_process() -> None:
    assert own_gil(1, 5, here=True) == "fine\n"


def test_subinterpreter_own_gil_pure_decodes() -> None:
    assert own_gil(2, 1, here=True, backend="pure") == "fine\n"


SHARED_GIL = """
import _xxsubinterpreters as interpreters
work = {work!r}
for _ in range(3):
    number = interpreters.create(isolated=False)
    interpreters.run_string(number, work)
    interpreters.destroy(number)
exec(work)
print("fine")
"""


@needs_extension
@pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="from 3.12 on the own-GIL tests say more than this one"
)
def test_subinterpreter_shared_gil_decodes() -> None:
    work = WORK.format(path=str(PACKAGE.parent), backend="native", times=300)
    done = python(SHARED_GIL.format(work=work))
    assert (done.returncode, done.stdout) == (0, "fine\n"), done.stderr


def interpreters_module() -> ModuleType | None:
    try:
        return importlib.import_module("concurrent.interpreters")
    except ModuleNotFoundError:
        return None


@needs_extension
def test_subinterpreter_of_the_standard_library_decodes() -> None:
    interpreters = interpreters_module()
    if interpreters is None:
        pytest.skip("concurrent.interpreters came with Python 3.14")
    work = WORK.format(path=str(PACKAGE.parent), backend="native", times=300)
    failed = []

    def run() -> None:
        interpreter = interpreters.create()
        try:
            interpreter.exec(work)
        except BaseException as error:  # noqa: BLE001 # it is told in this thread's stead
            failed.append(repr(error))
        finally:
            interpreter.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
