"""Draw docs/reconnecting.svg: how a thousand clients come back, with and without jitter.

    python tools/draw_reconnecting.py [--figures]

The server goes away at 0 and is back after ``DOWN`` seconds.  Each client follows
``wsfast.Backoff`` until an attempt succeeds.  The numbers on the page "1001 and 1007" are those
that ``--figures`` prints; a test holds them and the picture to this program.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from pathlib import Path

import wsfast

CLIENTS = 1000
DOWN = 10.0  # seconds
SECONDS = 24  # drawn
PICTURE = Path(__file__).parents[1] / "docs" / "reconnecting.svg"

WIDTH, HEIGHT, LEFT, TOP, GAP = 640, 110, 46, 26, 44
COLOURS = {"none": "#c0392b", "full": "#2471a3"}
TITLES = {"none": "without jitter", "full": "with full jitter (the default)"}


def attempts(jitter: str) -> list[float]:
    """Return when attempts are made: those of all clients, in order."""
    rng = random.Random(1)
    times = []
    for _ in range(CLIENTS):
        now = 0.0
        for delay in wsfast.Backoff(base=1, cap=60, jitter=jitter, rng=rng):  # type: ignore[arg-type]
            now += delay
            times.append(now)
            if now >= DOWN:
                break
    return sorted(times)


def per_tenth(jitter: str) -> Counter[int]:
    """Return how many attempts come within each tenth of a second."""
    return Counter(int(time * 10) for time in attempts(jitter))


def busiest(jitter: str) -> int:
    """Return the most attempts that come within a tenth of a second."""
    return max(per_tenth(jitter).values())


def back_after(jitter: str, share: float) -> float:
    """Return the seconds after which this share of the clients is back."""
    good = [time for time in attempts(jitter) if time >= DOWN]
    return good[int(share * CLIENTS) - 1]


def figures() -> list[tuple[str, int, int, float, float]]:
    """Return, by jitter: attempts, the most in 0.1 s, and when half and 95 % are back."""
    return [
        (j, len(attempts(j)), busiest(j), back_after(j, 0.5), back_after(j, 0.95))
        for j in ("none", "full")
    ]


def panel(jitter: str, top: int) -> list[str]:
    """Return one of the two diagrams."""
    step = (WIDTH - LEFT - 10) / SECONDS
    bottom = top + HEIGHT
    lines = [f'<text x="{LEFT}" y="{top - 8}">{TITLES[jitter]}</text>']
    lines += [f'<text x="{LEFT - 6}" y="{top + 10}" text-anchor="end">{CLIENTS}</text>']
    lines += [f'<path d="M{LEFT} {top}V{bottom}H{WIDTH - 10}" fill="none" stroke="#888"/>']
    bars = "".join(
        f"M{LEFT + tenth * step / 10:.1f} {bottom}v-{HEIGHT * count / CLIENTS:.1f}"
        for tenth, count in sorted(per_tenth(jitter).items())
        if tenth < 10 * SECONDS
    )
    lines.append(f'<path d="{bars}" stroke="{COLOURS[jitter]}" stroke-width="2"/>')
    for second in range(0, SECONDS, 4):
        x = LEFT + second * step
        lines.append(f'<text x="{x:.1f}" y="{bottom + 14}">{second} s</text>')
    return lines


def picture() -> str:
    """Return the picture."""
    height = TOP + 2 * HEIGHT + GAP + 24
    alt = (
        f"Attempts per 0.1 s of {CLIENTS} clients after a server is gone for {DOWN:.0f} seconds: "
        "without jitter all come in the same moments, with jitter they spread out."
    )
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif" font-size="12" fill="#777" role="img">',
        f"<title>{alt}</title>",
        *panel("none", TOP),
        *panel("full", TOP + HEIGHT + GAP),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> None:
    if arguments == ["--figures"]:
        for row in figures():
            print("{}: {} attempts, {} in the busiest 0.1 s, back: {:.1f} s, {:.1f} s".format(*row))
    else:
        PICTURE.write_text(picture(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
