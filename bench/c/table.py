"""Turn the lines of `kernels` on stdin into one table per function and alphabet.

    table.py [ns|speed|ratio]

Columns are sizes in bytes; `ratio` is memcpy's time over the candidate's.
"""

import sys
from collections import defaultdict

COLUMN = {"ns": 4, "speed": 5, "ratio": 6}


def main() -> None:
    column = COLUMN[sys.argv[1] if len(sys.argv) > 1 else "speed"]
    tables: dict[tuple[str, str], dict[str, dict[int, str]]] = defaultdict(dict)
    for line in sys.stdin:
        cells = line.rstrip("\n").split("\t")
        function, alphabet, size, candidate = cells[:4]
        rows = tables[function, alphabet].setdefault(candidate, {})
        rows[int(size)] = cells[column]
    for (function, alphabet), rows in tables.items():
        sizes = sorted({size for row in rows.values() for size in row})
        print(f"{function} {alphabet}".ljust(20) + "".join(f"{size:>11}" for size in sizes))
        for candidate, row in rows.items():
            cells = "".join(f"{row.get(size, ''):>11}" for size in sizes)
            print("  " + candidate.ljust(18) + cells)


if __name__ == "__main__":
    main()
