"""The state of a connection, and how it ended (RFC 6455 section 7).

Invariant: the close frames that were on the wire and the cause of the end are kept apart.
"""

from __future__ import annotations

from enum import Enum

from ._record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from ._backend import Close
    from .errors import ProtocolViolation


class ConnectionState(Enum):
    """The state of a connection (RFC 6455 section 7.1)."""

    OPEN = "messages can be sent"
    CLOSING = "a close frame was sent; the remote has not closed yet"
    CLOSED = "nothing more can be sent or received"


class NotOpen(RuntimeError):
    """Raised when nothing can be sent any more, because the connection is closing or closed.

    RFC 6455 section 5.5.1: nothing follows a close frame.
    """


class Closure(Record):
    """How a connection ended: the cause, and the close frames of both ends.

    Attributes:
        code: the cause: the code of the violation if there was one, else that of the close
            frame received, else 1006.
        reason: the reason that goes with ``code``.
        by: ``"local"`` if this end began to close, ``"remote"`` if the other did.
        sent: the close frame that was sent, as a ``Close``, or ``None``.
        received: the close frame that was received, or ``None``.
        violation: what the remote did wrong, or ``None``.
    """

    __slots__ = __match_args__ = ("code", "reason", "by", "sent", "received", "violation")

    code: int
    reason: str
    by: Literal["local", "remote"]
    sent: Close | None
    received: Close | None
    violation: ProtocolViolation | None

    def __init__(
        self,
        code: int,
        reason: str,
        by: Literal["local", "remote"],
        sent: Close | None,
        received: Close | None,
        violation: ProtocolViolation | None,
    ) -> None:
        for name, value in zip(
            self.__match_args__, (code, reason, by, sent, received, violation), strict=True
        ):
            object.__setattr__(self, name, value)
