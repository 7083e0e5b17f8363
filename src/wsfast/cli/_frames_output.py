"""Write what the frames, the messages and the errors of a capture are; return it for JSON.

Invariant: one line a frame, in the order of the capture; a violation comes last in its
direction.  Payloads are hidden unless they are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from .. import InvalidUTF8, Opcode, validate_utf8
from ..diagnosis import Diagnosis, diagnose
from . import _captures
from ._analysis import Fault, FrameSeen, Seen, Unjudged, analyse
from ._captures.model import DIRECTIONS
from ._output import diagnosed, escaped, evidence, write_evidence, write_wrapped

_PREVIEW = 40  # characters
_OPCODES = {
    1: "text",
    2: "binary",
    8: "close",
    9: "ping",
    10: "pong",
    _captures.ERROR: "error",
}
_HEAD = f"{'offset':>8}  {'fin':3} {'rsv':3} {'opcode':<12} {'masked':6} {'length':>9}  payload"
_MARK = "\ufffd".encode()


@dataclass
class View:
    """How results are shown: payloads or not, and nothing at all beside JSON."""

    show: bool
    quiet: bool

    def write(self, text: str, **style: Any) -> None:
        """Write a line."""
        if not self.quiet:
            click.echo(click.style(text, **style))

    def remark(self, text: str, **style: Any) -> None:
        """Write something about the capture, wrapped to the terminal."""
        if not self.quiet:
            write_wrapped(text, indent=10, mark="= ", **style)


def write_stream(stream: _captures.Stream, view: View) -> dict[str, Any]:
    """Write one direction of a connection."""
    lines: list[dict[str, Any]] = []
    notes = list(stream.notes)
    doubts = list(stream.doubts)
    found: dict[str, Any] = {"direction": stream.direction, "valid": True, "frames": lines}
    if stream.connection is not None:
        found["connection"] = stream.connection
    view.write(_title(stream), bold=True)
    view.write(_HEAD)
    for note in notes:
        view.remark(note, dim=True)
    for seen in analyse(stream, view.show):
        if isinstance(seen, FrameSeen):
            lines.append(_frame_json(seen, view.show))
            if not view.quiet:
                _write_frame(seen, view.show)
        elif isinstance(seen, Seen):
            if seen.kind.startswith("the capture"):
                notes.append(seen.kind)
            else:
                found.setdefault("messages", []).append(_seen_json(seen, view.show))
            if not view.quiet:
                _write_seen(seen, view.show)
        elif isinstance(seen, Unjudged):
            doubts.append(f"at byte {seen.offset}: {seen.why}")
        else:
            found |= {"valid": False, "frame_offset": seen.offset}
            found["violation"] = evidence(seen.violation)
            if seen.diagnosis:
                found["diagnosis"] = diagnosed(seen.diagnosis)
            if not view.quiet:
                _write_fault(seen)
    for doubt in doubts:
        view.remark(f"not judged: {doubt}", fg="yellow")
    if doubts and found["valid"]:
        found["valid"] = None
    return found | _remarks(notes, doubts)


def _remarks(notes: list[str], doubts: list[str]) -> dict[str, Any]:
    return {key: said for key, said in (("notes", notes), ("not_judged", doubts)) if said}


def _title(stream: _captures.Stream) -> str:
    deflate = ", permessage-deflate" if stream.deflate and not stream.assumed else ""
    number = "" if stream.connection is None else f"connection {stream.connection}, "
    return f"{number}{stream.direction}, {len(stream.data)} bytes{deflate}"


def write_table(
    connections: list[_captures.Connection], what: dict[int, str], view: View
) -> list[dict[str, Any]]:
    """Write which connections there are, and what each is."""
    rows = [
        {
            "connection": one.number,
            "client": one.names[0],
            "server": one.names[1],
            "packets": one.packets,
            "bytes": sum(side.size for side in one.sides),
            "is": what[one.number],
        }
        for one in connections
    ]
    view.write(f"{len(rows)} connections; --stream N shows one", bold=True)
    view.write(f"{'stream':>6} {'packets':>7} {'bytes':>10}  {'what':<14} client > server")
    for row in rows:
        view.write(
            f"{row['connection']:>6} {row['packets']:>7} {row['bytes']:>10}  "
            f"{escaped(str(row['is']), 14):<14} "
            f"{escaped(str(row['client']), 60)} > {escaped(str(row['server']), 60)}"
        )
    return rows


def _frame_json(seen: FrameSeen, show: bool) -> dict[str, Any]:
    frame = seen.frame
    line: dict[str, Any] = {
        "offset": seen.offset,
        "fin": frame.fin,
        "rsv": [frame.rsv1, frame.rsv2, frame.rsv3],
        "opcode": frame.opcode.name.lower(),
        "masked": seen.masked,
        "length": len(frame.payload),
    }
    if show:
        line["payload"] = bytes(frame.payload).hex()
    return line


def _seen_json(seen: Seen, show: bool) -> dict[str, Any]:
    if seen.close is not None:
        return {"kind": "close", "code": int(seen.close.code), "reason": seen.close.reason}
    line: dict[str, Any] = {"kind": seen.kind.split()[0], "length": len(seen.payload)}
    if show:
        line["payload"] = seen.payload.hex()
    return line


def _write_frame(seen: FrameSeen, show: bool) -> None:
    frame = seen.frame
    rsv = "".join("1" if bit else "-" for bit in (frame.rsv1, frame.rsv2, frame.rsv3))
    colour = {Opcode.TEXT: "green", Opcode.BINARY: "blue", Opcode.CLOSE: "yellow"}
    opcode = click.style(f"{frame.opcode.name.lower():<12}", fg=colour.get(frame.opcode))
    preview = _preview(frame.opcode, bytes(frame.payload)) if show else _hidden(frame.payload)
    click.echo(
        f"{seen.offset:>8}  {'fin' if frame.fin else '-':3} {rsv} {opcode} "
        f"{'masked' if seen.masked else '-':6} {len(frame.payload):>9}  {preview}".rstrip()
    )


def _hidden(payload: bytes | bytearray | memoryview) -> str:
    return "(hidden)" if payload else ""


def _preview(opcode: int, payload: bytes) -> str:
    """Return the beginning of a payload: text as text, all else in hexadecimal."""
    if opcode in (Opcode.TEXT, Opcode.CONTINUATION):
        text = payload[: 4 * _PREVIEW].decode("utf-8", "backslashreplace")
        return escaped(text, _PREVIEW)
    return payload[: _PREVIEW // 3].hex(" ") + (" ..." if len(payload) > _PREVIEW // 3 else "")


def _write_seen(seen: Seen, show: bool) -> None:
    if seen.close is not None:
        reason = f", reason {escaped(seen.close.reason, 125)!r}" if seen.close.reason else ""
        text = f"close {int(seen.close.code)}{reason}"
    elif seen.kind.startswith("the capture"):
        text = seen.kind
    else:
        text = f"{seen.kind}, {len(seen.payload)} bytes"
        if show:
            opcode = Opcode.TEXT if seen.kind.startswith("text") else Opcode.BINARY
            text += f": {_preview(opcode, seen.payload)}"
    click.echo(click.style(f"{'':>8}  = {text}", dim=True))


def _write_fault(fault: Fault) -> None:
    click.echo(f"{fault.offset:>8}  in the frame that begins at this byte:")
    write_evidence(fault.violation, fault.diagnosis)


def write_messages(part: _captures.Messages, role: str, view: View) -> dict[str, Any]:
    """Write the messages that a browser saw."""
    lines: list[dict[str, Any]] = []
    faults: list[dict[str, Any]] = []
    doubts: list[str] = []
    marked = 0
    view.write(escaped(part.url, 200), bold=True)
    for number, (receiver, opcode, payload) in enumerate(part.messages):
        if role not in ("auto", receiver):
            continue
        lines.append(_write_message(number, receiver, opcode, payload, view))
        marked += opcode == Opcode.TEXT and _MARK in payload
        if opcode == _captures.ERROR:
            said = escaped(payload.decode("utf-8", "backslashreplace"), 200)
            code, clue = browser_error(said)
            if code:
                faults.append(_browser_fault(number, code, said))
                view.remark(f"{code}: {clue}", fg="red")
            else:
                doubts.append(f"the browser reports an error: {said}")
            continue
        violation, diagnosis = _judge(opcode, payload, view.show)
        if violation is not None and diagnosis is not None:
            found = {"number": number, "violation": evidence(violation)}
            faults.append({**found, "diagnosis": diagnosed(diagnosis)})
            if not view.quiet:
                write_evidence(violation, diagnosis)
    notes = [_of_marks(marked)] if marked else []
    for note in notes:
        view.remark(note, dim=True)
    for doubt in doubts:
        view.remark(f"not judged: {doubt}", fg="yellow")
    valid = False if faults else None if doubts else True
    found = {"url": part.url, "valid": valid, "messages": lines, "violations": faults}
    return found | _remarks(notes, doubts)


def _write_message(
    number: int, receiver: str, opcode: int, payload: bytes, view: View
) -> dict[str, Any]:
    direction = DIRECTIONS[receiver]
    name = _OPCODES.get(opcode, str(opcode))
    line: dict[str, Any] = {
        "number": number,
        "direction": direction,
        "opcode": name,
        "length": len(payload),
    }
    preview = _hidden(payload)
    if opcode == _captures.ERROR:  # the browser's own words are nothing to hide
        line["error"] = payload.decode("utf-8", "backslashreplace")
        preview = escaped(line["error"], 200)
    elif view.show:
        line["payload"] = payload.hex()
        preview = _preview(opcode, payload)
    view.write(f"{number:>8}  {direction:16} {name:<7} {len(payload):>9}  {preview}")
    return line


def _of_marks(count: int) -> str:
    return (
        f"{count} text message{'s contain' if count > 1 else ' contains'} U+FFFD: the sender "
        "decoded bytes that were not UTF-8 before it sent them; look there"
    )


# What browsers say when they close a connection because of the server's frames.
_BROWSER = (
    (1007, ("decode a text frame as utf-8", "invalid utf-8"), "the server sent text not in UTF-8"),
    (
        1002,
        (
            "invalid frame header",
            "reserved bits",
            "opcode",
            "mask ",
            "masked",
            "control frame",
            "continuation frame",
            "fragmented",
            "minimal number of bytes",
            "inflate",
            "decompress",
        ),
        "the server broke the protocol",
    ),
)


def browser_error(said: str) -> tuple[int, str]:
    """Return the close code for a browser's error and what it means; 0 if it isn't known."""
    for code, words, clue in _BROWSER:
        if any(word in said.lower() for word in words):
            return code, f"the browser closed the connection, since {clue}"
    return 0, ""


def _browser_fault(number: int, code: int, said: str) -> dict[str, Any]:
    violation = {"error": "BrowserError", "close_code": code, "close_reason": said}
    return {"number": number, "violation": violation}


def _judge(opcode: int, payload: bytes, show: bool) -> tuple[InvalidUTF8 | None, Diagnosis | None]:
    if opcode == Opcode.TEXT:
        try:
            validate_utf8(payload)
        except InvalidUTF8 as violation:
            return violation, diagnose(payload, show_payload=show)
    return None, None
