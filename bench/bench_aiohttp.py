"""CPU time of aiohttp by the message, stock and accelerated.

    python bench/bench_aiohttp.py            # prints and records
    python bench/bench_aiohttp.py --quick    # prints only
    python bench/bench_aiohttp.py --version 3.11.18=DIR ...   # these too, installed in DIR

ends.py says how it is measured.  pip install --target DIR --no-deps aiohttp==3.11.18 makes
a DIR.
"""

from __future__ import annotations

from ends import BURST, USUAL, Race, Shape, main

SHAPES = (
    *USUAL,
    Shape(65_536, 1, 1, 1500, alphabet="cyrillic"),
    Shape(1024, 32, 1, 6400, True),
)
OF_VERSIONS = Shape(32, 1, 64, 38_400)
RACE = Race("aiohttp", (), SHAPES, BURST, OF_VERSIONS)

if __name__ == "__main__":
    main("bench_aiohttp.py", RACE, __doc__)
