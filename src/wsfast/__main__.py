"""Run the command line: ``python -m wsfast``, the same as ``wsfast``.

Invariant: a missing extra ends with 2 and not with 1, which says that there is a violation.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command of ``sys.argv`` and exit with its status."""
    try:
        from .cli import run
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        print("the wsfast command needs click and rich: pip install 'wsfast[cli]'", file=sys.stderr)
        sys.exit(2)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
