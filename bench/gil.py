"""Measure from which size on releasing the GIL pays: the reason for RELEASE_GIL_FROM.

    python bench/gil.py

It prints two figures for each size.  First, how many times as long two threads take as one, for
the same work each: 2 if the GIL is held, 1 if they run in parallel.  Second, what one call takes
while another thread is busy in Python: if the call releases the GIL, it waits until that thread
gives it back, up to sys.getswitchinterval().
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import wsfast

KEY = b"\x12\x34\x56\x78"
SIZES = [1 << 16, 1 << 20, 1 << 22, (1 << 24) - 1, 1 << 24, 1 << 26]


def seconds(work: Callable[[], object], threads: int, calls: int) -> float:
    """Return how long so many threads take for so many calls each."""

    def repeat() -> None:
        for _ in range(calls):
            work()

    workers = [threading.Thread(target=repeat) for _ in range(threads)]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return time.perf_counter() - start


def beside_busy_thread(work: Callable[[], object], calls: int) -> float:
    """Return how long a call takes while another thread runs Python."""
    done = threading.Event()

    def spin() -> None:
        while not done.is_set():
            pass

    busy = threading.Thread(target=spin)
    busy.start()
    try:
        return seconds(work, 1, calls) / calls
    finally:
        done.set()
        busy.join()


def main() -> None:
    print("     bytes  operation   alone     two threads / one   beside a busy thread")
    for size in SIZES:
        cjk = "漢".encode() * (size // 3)
        data = bytes(size)
        operations: dict[str, Callable[[], object]] = {
            "apply_mask": lambda data=data: wsfast.apply_mask(data, KEY),
            "validate": lambda cjk=cjk: wsfast.validate_utf8(cjk),
        }
        calls = max(4, (1 << 27) // size)
        for name, work in operations.items():
            one = min(seconds(work, 1, calls) for _ in range(3))
            two = min(seconds(work, 2, calls) for _ in range(3))
            busy = beside_busy_thread(work, min(calls, 40))
            print(
                f"{size:11,}  {name:10}  {one / calls * 1e6:9.1f} us {two / one:9.2f}"
                f"{busy * 1e6:24.1f} us"
            )


if __name__ == "__main__":
    main()
