"""What readers of captures return.

    ``Unwrapped`` bytes that were written in some other form: to be looked at again
    Connection  what both ends of a connection sent, or one of them
    Messages    what a browser saw of a connection

``Stream`` is what is made of a connection for the analysis: one direction, without a gap.

Invariant: what was lost is known by its place; nothing is put together across a gap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ...deflate import DeflateParameters
from .._files import Unreadable

Role = Literal["server", "client"]
ERROR = -1  # instead of an opcode: the browser's own error message
DIRECTIONS = {"server": "client to server", "client": "server to client"}


class NotFrames(Unreadable):
    """Raised when a capture holds no WebSocket frames, as far as that can be told.

    Attributes:
        short: what it is instead, in a word or two; "" if that isn't known.
        doubtful: whether the bytes may be frames, which only the user can know.
    """

    def __init__(self, message: str, short: str = "", *, doubtful: bool = False) -> None:
        super().__init__(message)
        self.short = short
        self.doubtful = doubtful


@dataclass
class Unwrapped:
    """Bytes that were written as text, or otherwise wrapped."""

    data: bytes


@dataclass
class Side:
    """What one end sent: runs of bytes, with what was lost between them.

    ``start`` is whether the first byte of the connection is the first here.  What makes
    the contents doubtful is in ``doubts``; what is only worth saying in ``notes``.
    """

    pieces: list[tuple[int, bytes]] = field(default_factory=list)  # offset, bytes
    start: bool = True
    doubts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(len(piece) for _, piece in self.pieces)

    @property
    def first(self) -> bytes:
        """The bytes up to the first gap."""
        return self.pieces[0][1] if self.pieces and self.pieces[0][0] == 0 else b""

    def gaps(self) -> Iterator[tuple[int, int]]:
        """Yield from where to where bytes are missing."""
        end = 0
        for at, piece in self.pieces:
            if at > end:
                yield end, at
            end = at + len(piece)


@dataclass
class Connection:
    """What the two ends of a connection sent; ``sides[0]`` is the client, if that is known."""

    sides: tuple[Side, Side]
    names: tuple[str, str] = ("", "")
    number: int = 0
    known: bool = False  # whether it is known which end is the client
    packets: int = 0


@dataclass
class Stream:
    """The bytes of one direction of a connection, for the analysis.

    ``role`` is the receiver's; ``start`` the offset of the first byte in this direction,
    after the handshake.

    ``deflate`` is whether messages may be compressed, ``parameters`` what was agreed on;
    ``assumed`` that nothing tells, so that what does not inflate is no violation.

    ``middle`` is whether the connection began before; ``sure`` whether these are frames
    beyond doubt, so that the first error is one of the sender's.
    """

    role: Role
    data: bytes
    start: int = 0
    deflate: bool = False
    parameters: DeflateParameters | None = None
    assumed: bool = False
    middle: bool = False
    sure: bool = True
    doubts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    connection: int | None = None

    @property
    def direction(self) -> str:
        return DIRECTIONS[self.role]


@dataclass
class Messages:
    """The messages that a browser saw on one connection: (receiver, opcode, payload).

    With the opcode ``ERROR`` it is the browser's own words for why it hung up.
    """

    url: str
    messages: list[tuple[Role, int, bytes]] = field(default_factory=list)


Found: TypeAlias = Unwrapped | list[Connection] | list[Messages]
