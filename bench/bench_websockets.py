"""CPU time of websockets by the message, stock and accelerated, and of picows.websockets.

    python bench/bench_websockets.py            # prints and records
    python bench/bench_websockets.py --quick    # prints only
    python bench/bench_websockets.py --version 13.1=DIR ...   # these too, installed in DIR

ends.py says how it is measured.  pip install --target DIR --no-deps websockets==13.1 makes
a DIR.
"""

from __future__ import annotations

from ends import BURST, USUAL, Race, Shape, main

SHAPES = (
    *USUAL,
    Shape(32, 32, 1, 6400, True),
    Shape(1024, 32, 1, 6400, True),
)
OF_VERSIONS = Shape(32, 32, 1, 9600)
RACE = Race("websockets", ("picows",), SHAPES, BURST, OF_VERSIONS)

if __name__ == "__main__":
    main("bench_websockets.py", RACE, __doc__)
