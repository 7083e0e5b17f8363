"""From what the ends of a connection sent to the streams of frames in it.

Each end's bytes are searched for the handshake, which tells who is the client and what was
negotiated.  Without a handshake, the bytes themselves must show that they are frames.

Invariant: a stream is returned only for bytes that are frames beyond reasonable doubt, or if
the user says so; for all others ``NotFrames`` says what they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from . import evidence, foreign, handshake
from .handshake import Agreement, Handshake
from .model import Connection, NotFrames, Role, Side, Stream

_ROLES: tuple[Role, Role] = ("server", "client")  # who receives what sides[0], [1] sent
_LOSSY = re.compile(rb"[\t\n\r -~]{32,}")
_BOTH = re.compile(rb"\s*(?=HTTP/1\.[01] 101)")


@dataclass
class Options:
    """What the user says of a capture.

    ``role`` is who received the bytes; ``given`` whether they are frames for certain,
    from the first byte on; ``deflate`` what was agreed on.
    """

    role: Literal["server", "client", "auto"] = "auto"
    given: bool = False
    deflate: str | None = None


def of_connection(connection: Connection, options: Options) -> list[Stream]:
    """Return the streams of a connection whose ends are told apart.

    Raises:
        NotFrames: it is no WebSocket.
    """
    heads = [handshake.find(side.first) for side in connection.sides]
    sides, heads = _in_order(connection, heads)
    opened = any(heads)
    if not opened and all(side.start for side in sides if side.pieces) and not options.given:
        # Recorded from the first byte, but without a handshake: only what is clearly frames.
        _refuse_foreign([side.first for side in sides])
    agreed = handshake.agreement(heads[1], options.deflate)
    streams: list[Stream] = []
    unlike: NotFrames | None = None
    for role, side, head in zip(_ROLES, sides, heads, strict=True):
        if not side.size:
            continue
        try:
            streams += _of_side(role, side, head, agreed, opened or options.given)
        except NotFrames as error:
            unlike = error
    if not streams:
        raise unlike or NotFrames("nothing was sent on this connection", "no data")
    for stream in streams:
        stream.connection = connection.number
    return streams


def _in_order(
    connection: Connection, heads: list[Handshake | None]
) -> tuple[tuple[Side, Side], list[Handshake | None]]:
    """Return the client's side first."""
    first, second = connection.sides
    if any(heads):
        turned = (heads[0] is not None and not heads[0].request) or (
            heads[1] is not None and heads[1].request
        )
    elif connection.known:
        turned = False
    else:
        found = [evidence.walk(side.first, fresh=False) for side in (first, second)]
        likely = max(found, key=lambda one: one.bits)
        turned = likely.bits > 0 and likely.masked is (likely is found[1])
    return ((second, first), heads[::-1]) if turned else ((first, second), heads)


def _refuse_foreign(pieces: list[bytes]) -> None:
    for piece in pieces:
        if foreign.known(piece):
            raise foreign.refusal(piece)


def _of_side(
    role: Role, side: Side, head: Handshake | None, agreed: Agreement, certain: bool
) -> list[Stream]:
    """Return the streams in what one end sent: one more for each gap."""
    streams: list[Stream] = []
    lost = ""
    for at, piece in side.pieces:
        skipped = head.end if head and at == 0 else 0
        body = piece[skipped:]
        whole = at == 0 and (side.start or head is not None)
        if not body and not whole:
            continue
        if whole and (certain or not body):
            _refuse_lossy(body, head)
            stream = _stream(role, body, at + skipped, agreed)
        else:
            try:
                stream = _searched(role, body, at, agreed, fresh=whole)
            except NotFrames as error:
                if not streams and len(side.pieces) == 1:
                    raise
                lost = lost or str(error)
                continue
        streams.append(stream)
    if not streams:
        raise NotFrames(lost or "no frame was found in what is left of this connection")
    if lost:
        streams[-1].doubts.append("after a gap, no frame was found again")
    streams[0].doubts += side.doubts + agreed.doubts
    streams[0].notes += side.notes
    return streams


def _stream(role: Role, data: bytes, start: int, agreed: Agreement) -> Stream:
    return Stream(role, data, start, agreed.deflate, agreed.parameters, agreed.assumed)


def _searched(role: Role, data: bytes, at: int, agreed: Agreement, *, fresh: bool) -> Stream:
    """Return a stream that begins where a frame is likely to.

    Raises:
        NotFrames: there is no such place.
    """
    masked = role == "server"
    found: evidence.Evidence | None = evidence.walk(data, masked, fresh=fresh)
    if found and (found.bits < evidence.ENOUGH or found.broken is not None):
        other = None if fresh else evidence.search(data, masked)
        if other or found.bits < evidence.ENOUGH:
            found = other
    if found is None:
        raise foreign.refusal(data)
    stream = _stream(role, data[found.at :], at + found.at, agreed)
    if not fresh:
        _in_the_middle(stream, found, found.at)
    return stream


def _in_the_middle(stream: Stream, found: evidence.Evidence, skipped: int) -> None:
    stream.middle = True
    stream.sure = found.bits >= evidence.SURE
    before = f"; {skipped} bytes before it are not judged" if skipped else ""
    stream.notes.append(
        f"this begins in the middle of a connection; a frame begins at byte {stream.start}, "
        f"{found.sureness} ({found.frames} frames follow each other){before}"
    )


def _refuse_lossy(body: bytes, head: Handshake | None) -> None:
    """Refuse what was saved as text, with dots for what is not ASCII."""
    if head and _LOSSY.fullmatch(body) and evidence.walk(body).frames == 0:
        raise NotFrames(
            "after the handshake there is only text: this was saved as ASCII, which loses "
            'most bytes of the frames; save it as "Raw" or "YAML"'
        )


# Bytes of which it isn't known who sent them.


def of_bytes(data: bytes, options: Options) -> list[Stream]:
    """Return the streams in bytes that have nothing around them.

    Raises:
        NotFrames: they are no frames.
    """
    head = handshake.find(data)
    if head and head.request and (both := _BOTH.match(data, head.end)):
        answer = handshake.find(data[both.end() :])
        if answer:
            agreed = handshake.agreement(answer, options.deflate)
            _refuse_lossy(data[both.end() + answer.end :], answer)
            return _mixed(data[both.end() + answer.end :], agreed, certain=True)
    answer = head if head and not head.request else None
    agreed = handshake.agreement(answer, options.deflate)
    if head:
        body = data[head.end :]
        _refuse_lossy(body, head)
        stream = _stream("server" if head.request else "client", body, head.end, agreed)
        stream.doubts += agreed.doubts
        return [stream]
    if foreign.known(data):
        raise foreign.refusal(data)
    return _of_frames(data, options, agreed)


def _of_frames(data: bytes, options: Options, agreed: Agreement) -> list[Stream]:
    masked = None if options.role == "auto" else options.role == "server"
    found = evidence.walk(data, masked)
    role: Role = "server" if found.masked else "client"
    told = options.role != "auto" and not data[0] & 0x30
    if options.given or told:
        return [_stream(role, data, 0, agreed)]
    if found.broken is None and found.bits >= evidence.ENOUGH:
        return [_stream(role, data, 0, agreed)]
    if masked is None and _both_directions(data):
        return _mixed(data, agreed, certain=False)
    if found.bits >= evidence.ENOUGH + 4:
        return [_stream(role, data, 0, agreed)]
    middle = evidence.search(data, masked)
    if middle is None or middle.bits < evidence.CERTAIN or middle.broken is not None:
        raise foreign.refusal(data)
    role = "server" if middle.masked else "client"
    stream = _stream(role, data[middle.at :], middle.at, agreed)
    _in_the_middle(stream, middle, middle.at)
    return [stream]


def _frames(data: bytes) -> tuple[list[evidence.Header], int]:
    """Return the headers of frames, masked or not, and where no more can begin."""
    found: list[evidence.Header] = []
    at = 0
    while at < len(data) and (frame := evidence.header(data, at)):
        found.append(frame)
        at = min(frame.end, len(data))
    return found, at


def _both_directions(data: bytes) -> bool:
    frames, end = _frames(data)
    masks = {frame.masked for frame in frames}
    return len(masks) == 2 and len(frames) >= 4 and end == len(data)


def _mixed(data: bytes, agreed: Agreement, *, certain: bool) -> list[Stream]:
    """Return both directions of a capture that has them in one, frame by frame.

    Raises:
        NotFrames: it can't be told apart.
    """
    frames, end = _frames(data)
    if end < len(data) and not (certain and frames):
        raise foreign.refusal(data)
    sides = {True: bytearray(), False: bytearray()}
    at = 0
    for frame in frames:
        sides[frame.masked] += data[at : frame.end]
        at = frame.end
    found = [evidence.walk(bytes(side), masked) for masked, side in sides.items()]
    if not certain and any(one.bits < evidence.LIKELY or one.broken is not None for one in found):
        raise foreign.refusal(data)
    streams = [
        _stream("server" if masked else "client", bytes(side), 0, agreed)
        for masked, side in sides.items()
        if side
    ]
    for stream in streams:
        stream.notes.append("both directions are mixed here: offsets count within one direction")
        stream.doubts += agreed.doubts
        if end < len(data):
            stream.doubts.append(f"no frame begins at byte {end} after the handshake")
    return streams
