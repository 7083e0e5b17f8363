"""Errors with the same attributes as those of libraries, for tests without the libraries."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace


class StrangeError(Exception):
    """An error of some library."""


def closed(rcvd: int | None, sent: int | None) -> Exception:
    """Make an error as the ``ConnectionClosed`` of websockets is."""
    return with_fields(
        rcvd=rcvd and SimpleNamespace(code=rcvd), sent=sent and SimpleNamespace(code=sent)
    )


def with_fields(*, cls: type[Exception] = StrangeError, **fields: object) -> Exception:
    error = cls()
    for name, value in fields.items():
        setattr(error, name, value)
    return error


def chained(*errors: BaseException, by: str = "__cause__") -> BaseException:
    """Return the first error, caused by the second, caused by the third, and so on."""
    for error, cause in pairwise(errors):
        setattr(error, by, cause)
    return errors[0]
