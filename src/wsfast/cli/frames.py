"""``wsfast frames``: what a capture of WebSocket holds, and where it breaks the protocol.

RFC 6455 section 5.

Invariant: one line a frame, in the order of the capture; a violation comes last in its
direction and makes the exit status 1.
"""

from __future__ import annotations

from typing import Any

import click

from .. import InvalidUTF8, Opcode, validate_utf8
from ..diagnosis import Diagnosis, diagnose
from . import _captures, _files
from ._analysis import Fault, FrameSeen, Seen, analyse
from ._output import (
    JSON,
    SHOW_PAYLOAD,
    diagnosed,
    escaped,
    evidence,
    named,
    write_evidence,
    write_json,
)

MAX_CAPTURE = 256 << 20  # octets
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


@click.command(short_help="The frames of a capture, and what is wrong.")
@click.argument("file", default="-", type=click.Path(allow_dash=True))
@click.option(
    "--role",
    type=click.Choice(["server", "client", "auto"]),
    default="auto",
    show_default=True,
    help="Who received the octets; auto goes by the mask of the first frame.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["auto", "raw", "hex", "tshark", "har"]),
    default="auto",
    show_default=True,
    help="What FILE is.",
)
@click.option("--hex", "is_hex", is_flag=True, help="The same as --format hex.")
@SHOW_PAYLOAD
@JSON
def frames(file: str, role: str, form: str, is_hex: bool, show_payload: bool, as_json: bool) -> int:
    """Decode a capture of WebSocket in FILE (or standard input), a line for each frame.

    A handshake at the beginning is skipped; if it agreed on permessage-deflate, messages are
    inflated. After the frames comes what breaks the protocol, with the evidence.

    \b
    Examples:
      wsfast frames --role server received.bin
      echo 81 83 00000000 4b f6 6c | wsfast frames --hex
      tshark -r x.pcap -q -z follow,tcp,raw,0 | wsfast frames
      wsfast frames page.har --show-payload
    """
    octets = _files.read_all(file, MAX_CAPTURE)
    if not octets:
        raise _files.Unreadable(f"{named(file)} is empty")
    captured = _captures.read(octets, "hex" if is_hex else form, role)
    if not captured:
        raise _files.Unreadable(f"nothing in this capture was received by a {role}")
    parts = [
        _stream(part, show_payload, as_json)
        if isinstance(part, _captures.Stream)
        else _messages(part, role, show_payload, as_json)
        for part in captured
    ]
    if as_json:
        write_json({"streams": parts})
    return int(any(not part["valid"] for part in parts))


def _stream(stream: _captures.Stream, show: bool, quiet: bool) -> dict[str, Any]:
    """Write a direction of a connection, unless ``quiet``; return it for JSON."""
    lines: list[dict[str, Any]] = []
    notes: list[str] = []
    found: dict[str, Any] = {"direction": stream.direction, "valid": True, "frames": lines}
    if not quiet:
        deflate = ", permessage-deflate" if stream.deflate else ""
        click.echo(
            click.style(f"{stream.direction}, {len(stream.octets)} octets{deflate}", bold=True)
        )
        click.echo(_HEAD)
    for seen in analyse(stream, show):
        if isinstance(seen, FrameSeen):
            lines.append(_frame_json(seen, show))
            if not quiet:
                _write_frame(seen, show)
        elif isinstance(seen, Seen):
            if seen.kind.startswith("the capture"):
                notes.append(seen.kind)
            else:
                found.setdefault("messages", []).append(_seen_json(seen, show))
            if not quiet:
                _write_seen(seen, show)
        else:
            found |= {"valid": False, "frame_offset": seen.offset}
            found["violation"] = evidence(seen.violation)
            if seen.diagnosis:
                found["diagnosis"] = diagnosed(seen.diagnosis)
            if not quiet:
                _write_fault(seen)
    if notes:
        found["notes"] = notes
    return found


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
        text = f"{seen.kind}, {len(seen.payload)} octets"
        if show:
            opcode = Opcode.TEXT if seen.kind.startswith("text") else Opcode.BINARY
            text += f": {_preview(opcode, seen.payload)}"
    click.echo(click.style(f"{'':>8}  = {text}", dim=True))


def _write_fault(fault: Fault) -> None:
    click.echo(f"{fault.offset:>8}  in the frame that begins at this octet:")
    write_evidence(fault.violation, fault.diagnosis)


def _messages(part: _captures.Messages, role: str, show: bool, quiet: bool) -> dict[str, Any]:
    """Write the messages that a browser saw, unless ``quiet``; return them for JSON."""
    lines: list[dict[str, Any]] = []
    faults: list[dict[str, Any]] = []
    if not quiet:
        click.echo(click.style(escaped(part.url, 200), bold=True))
    for number, (receiver, opcode, payload) in enumerate(part.messages):
        if role not in ("auto", receiver):
            continue
        direction = _captures.Stream(receiver, b"").direction
        name = _OPCODES.get(opcode, str(opcode))
        line: dict[str, Any] = {
            "number": number,
            "direction": direction,
            "opcode": name,
            "length": len(payload),
        }
        said = ""  # by the browser, so it is nothing to hide
        if opcode == _captures.ERROR:
            said = line["error"] = payload.decode("utf-8", "backslashreplace")
        elif show:
            line["payload"] = payload.hex()
        lines.append(line)
        if not quiet:
            hidden = escaped(said, 200) or _hidden(payload)
            preview = _preview(opcode, payload) if show and not said else hidden
            click.echo(f"{number:>8}  {direction:16} {name:<7} {len(payload):>9}  {preview}")
        violation, diagnosis = _judge(opcode, payload, show)
        if violation is not None and diagnosis is not None:
            found = {"number": number, "violation": evidence(violation)}
            faults.append({**found, "diagnosis": diagnosed(diagnosis)})
            if not quiet:
                write_evidence(violation, diagnosis)
    return {"url": part.url, "valid": not faults, "messages": lines, "violations": faults}


def _judge(opcode: int, payload: bytes, show: bool) -> tuple[InvalidUTF8 | None, Diagnosis | None]:
    if opcode == Opcode.TEXT:
        try:
            validate_utf8(payload)
        except InvalidUTF8 as violation:
            return violation, diagnose(payload, show_payload=show)
    return None, None
