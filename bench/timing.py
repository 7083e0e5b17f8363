"""How a call is timed: many calls per round, unrolled, and the fastest round counts.

Invariant: what was timed is called once more, and its result is compared with the expected one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

ROUNDS = 30
SECONDS = 0.003  # per round, at least, if the first guess is right
UNROLLED = 20


class Call:
    """A function with arguments besides those of a case, for rounds to call it directly.

    A ``lambda`` would add its own call, which at 16 bytes takes longer than what is measured.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *first: Any,
        each: dict[str, Callable[[], Any]] | None = None,
        **keywords: Any,
    ) -> None:
        """Take the arguments; ``each`` has functions that make a new one for every call."""
        self.function, self.first, self.keywords, self.each = function, first, keywords, each or {}

    def __call__(self, *args: Any) -> Any:
        made = {name: make() for name, make in self.each.items()}
        return self.function(*self.first, *args, **self.keywords, **made)


def repeated(function: Callable[..., Any], args: tuple[Any, ...], times: int) -> Callable[[], None]:
    """Return a function that calls ``function(*args)`` so many times.

    The loop is generated, with its calls written out, as ``timeit`` does it: what it
    adds to a call is a few nanoseconds, the same for every peer.
    """
    called = function if isinstance(function, Call) else Call(function)
    given = dict(enumerate((*called.first, *args)))
    scope: dict[str, Any] = {"f": called.function, **{f"a{i}": value for i, value in given.items()}}
    passed = [f"a{i}" for i in given]
    for number, (name, value) in enumerate({**called.keywords, **called.each}.items()):
        scope[f"k{number}"] = value
        passed.append(f"{name}=k{number}" + ("()" if name in called.each else ""))
    call = f"f({', '.join(passed)})"
    lines = [f"def run({', '.join(f'{name}={name}' for name in scope)}):"]
    if times >= UNROLLED:
        lines.append(f" for _ in range({times // UNROLLED}):")
        lines += [f"  {call}"] * UNROLLED
    lines += [f" {call}"] * (times % UNROLLED)
    exec("\n".join(lines), scope)
    run: Callable[[], None] = scope["run"]
    return run


def calls_a_round(function: Callable[..., Any], args: tuple[Any, ...]) -> int:
    """Guess how many calls take ``SECONDS``."""
    times = 1
    while True:
        run = repeated(function, args, times)
        start = time.perf_counter()
        run()
        taken = time.perf_counter() - start
        if taken > SECONDS / 10 or times >= 100_000:
            return max(1, min(100_000, int(times * SECONDS / max(taken, 1e-9))))
        times *= 10


def measure(
    benchmark: Any, case: Any, function: Callable[..., Any], *args: Any, items: int = 1
) -> None:
    """Time ``function(*args)``, which does the work of the case for so many ``items``.

    ``extra_info["ns"]`` is the time of one item in the fastest round.
    """
    times = calls_a_round(function, args)
    benchmark.group = case.group
    benchmark.pedantic(repeated(function, args, times), rounds=ROUNDS, warmup_rounds=1)
    ns = benchmark.stats.stats.min / times / items * 1e9 if benchmark.stats else 0.0
    benchmark.extra_info.update(
        operation=case.operation,
        peer=case.peer,
        size=case.size,
        alphabet=case.alphabet,
        ns=round(ns, 2),
        calls=times * items,
    )
