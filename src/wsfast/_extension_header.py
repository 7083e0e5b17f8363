"""The header Sec-WebSocket-Extensions: its grammar (RFC 6455 section 9.1, RFC 9110).

    extension-list  = 1#extension
    extension       = token *( ";" extension-param )
    extension-param = token [ "=" (token | quoted-string) ]

Invariant: a header that does not follow the grammar is a ``ValueError`` that names the place.
The meaning of extensions and parameters is not checked here.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    # name: value, in the order in which they stand
    _Parameters: TypeAlias = list[tuple[str, str | None]]

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_QUOTED = re.compile(r'"((?:[\t !#-\[\]-~]|\\[\t -~])*)"')
_SPACE = re.compile(r"[ \t]*")


class _Reader:
    """Read a header from left to right."""

    def __init__(self, header: str) -> None:
        self.header = header
        self.at = 0
        self.skip_space()

    def skip_space(self) -> None:
        found = _SPACE.match(self.header, self.at)
        self.at = found.end() if found else self.at

    def take(self, mark: str) -> bool:
        """Take the mark, with the space around it, if it comes next."""
        if not self.header.startswith(mark, self.at):
            return False
        self.at += len(mark)
        self.skip_space()
        return True

    def token(self, what: str) -> str:
        found = _TOKEN.match(self.header, self.at)
        if found is None:
            raise self.fault(f"{what} expected")
        self.at = found.end()
        self.skip_space()
        return found[0]

    def value(self) -> str:
        """Take a token, or a quoted string, whose content must be a token."""
        found = _QUOTED.match(self.header, self.at)
        if found is None:
            return self.token("a value")
        content = re.sub(r"\\(.)", r"\1", found[1])
        if _TOKEN.fullmatch(content) is None:
            raise self.fault(f"the quoted value {content!r} is not a token")
        self.at = found.end()
        self.skip_space()
        return content

    def fault(self, what: str) -> ValueError:
        return ValueError(
            f"Sec-WebSocket-Extensions: {what} at character {self.at} of {self.header!r}"
        )


def parse(header: str) -> list[tuple[str, _Parameters]]:
    """Return the extensions that a header lists, each with its parameters, in order.

    Raises:
        TypeError: it is not a ``str``.
        ValueError: it does not follow the grammar.
    """
    if not isinstance(header, str):
        raise TypeError(f"header must be a str, not {type(header).__name__}")
    reader = _Reader(header)
    found: list[tuple[str, _Parameters]] = []
    while reader.at < len(header):
        if reader.take(","):
            continue  # RFC 9110 section 5.6.1.2: empty elements are to be ignored
        name, parameters = reader.token("an extension"), []
        while reader.take(";"):
            key = reader.token("a parameter")
            parameters.append((key, reader.value() if reader.take("=") else None))
        if reader.at < len(header) and header[reader.at] != ",":
            raise reader.fault("',' or ';' expected")
        found.append((name, parameters))
    return found


def write(name: str, parameters: _Parameters) -> str:
    """Return the header of one extension."""
    return "; ".join([name, *[k if v is None else f"{k}={v}" for k, v in parameters]])
