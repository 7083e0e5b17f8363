"""Every operation, with memory running out at each of its allocations in turn.

Run as a script, ``allocation.py [name ...]``, in a process of its own: it says what went
wrong and exits with 1, or is ended by a signal if something crashed.  Each operation runs
in a child, so that the name of the one that crashed is known.  They are in
allocation_operations.py.

Of each operation, allocation number 0, 1, 2 ... fails, alone or with some that follow it,
until the operation no longer comes that far.  (With all that follow it, Python itself ends
the process: "Cannot recover from MemoryErrors while normalizing exceptions".)  It must give
what it gives otherwise, or raise MemoryError; and what it was done to must be as good as
before, or raise an error that says otherwise.  Python must have no error to ignore, except
that it could not close a generator: it needs memory for that.
"""

from __future__ import annotations

import _testcapi
import gc
import os
import re
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import Any

import allocation_kinds
from allocation_kinds import Operation, lacked_memory
from allocation_operations import OPERATIONS

GENERATOR = "control: a generator"  # 3.12.1 and 3.13.0 crash in it
USE_GENERATORS = {
    GENERATOR,
    "Utf8Validator.from_state",
    "Utf8Validator.from_state, wrong",
    "PerMessageDeflate.respond",
    "PerMessageDeflate.offer",
}

ENOUGH = 20  # successes in a row, after which an operation is taken to have had all it needs
IGNORED = "Exception ignored in: (?!<generator object )"
MOST = 5_000  # allocations; an operation that has more is not what this is for


def without_memory(call: Callable[[], Any], start: int, stop: int) -> Any:
    _testcapi.set_nomemory(start, stop)
    try:
        outcome = call()
    except BaseException as error:  # noqa: BLE001 # it is what is looked at
        outcome = error
    finally:
        _testcapi.remove_mem_hooks()
    return outcome


def sweep(make: Callable[[], Operation]) -> int:
    """Let each allocation fail; return how many calls that stopped."""
    stopped = 0
    for width in (1, 3, 10):
        start = calm = 0
        while calm < ENOUGH:
            assert start < MOST, "it never has all it needs"
            operation = make()
            outcome = without_memory(operation.call, start, start + width)
            calm = 0 if lacked_memory(outcome) else calm + 1
            stopped += not calm
            try:
                operation.after(outcome)
            except AssertionError:
                print(f"{width} from allocation {start} on: {outcome!r}")
                raise
            start += 1
    return stopped


def in_child(name: str) -> str:
    """Return what is wrong with an operation, "" for nothing."""
    sys.stdout.flush()
    with tempfile.TemporaryFile() as printed:
        child = os.fork()
        if child == 0:
            code = 1
            os.dup2(printed.fileno(), 2)
            try:
                print(f"{name}: {sweep(OPERATIONS[name])} calls stopped")
                code = 0
            except BaseException:  # noqa: BLE001 # printed, and this process ends here
                traceback.print_exc(file=sys.stdout)
            finally:
                sys.stdout.flush()
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        printed.seek(0)
        text = printed.read().decode(errors="replace")
    if code == 0 and re.search(IGNORED, text) and not name.startswith("control: "):
        return f"failed, for it printed:\n{text}"
    return "" if code == 0 else f"ended by signal {-code}" if code < 0 else "failed"


def python_crashes() -> bool:
    """Tell whether this Python crashes in a generator, without any code of wsfast."""
    done = subprocess.run([sys.executable, __file__, GENERATOR], capture_output=True, check=False)
    return b"ended by signal" in done.stdout


def python_loses_texts() -> bool:
    """Tell whether this Python raises a SystemError without text, without any code of wsfast."""

    def refuse() -> None:
        number = 9
        raise error(f"not {number}, only up to {number - 1}")

    def error(text: str) -> ValueError:
        return ValueError(text)

    outcomes = [
        without_memory(refuse, start, start + width)
        for width in range(1, 11)
        for start in range(60)
    ]
    return any(isinstance(outcome, SystemError) and not outcome.args for outcome in outcomes)


def main(names: list[str]) -> int:
    gc.disable()  # collections would come at other allocations each time
    allocation_kinds.python_loses_texts = python_loses_texts()
    wrong = 0
    crashes = names != [GENERATOR] and python_crashes()
    for name in names or OPERATIONS:
        if crashes and name in USE_GENERATORS:
            print(f"{name}: 0 calls stopped, for this Python crashes in generators")
            continue
        what = in_child(name)
        if what:
            print(f"{name}: {what}")
            wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
