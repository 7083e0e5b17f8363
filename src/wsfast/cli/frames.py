"""``wsfast frames``: what a WebSocket capture contains, and where it breaks the protocol.

RFC 6455 section 5.

Invariant: exit status 1 says that a sender broke the protocol, 0 that all was judged and
none did, 2 that something could not be judged.
"""

from __future__ import annotations

from typing import Any, Literal

import click

from . import _captures, _files
from ._captures import tls
from ._captures.streams import of_connection
from ._frames_output import View, write_messages, write_stream, write_table
from ._output import JSON, SHOW_PAYLOAD, named, write_json

MAX_CAPTURE = 256 << 20  # bytes


@click.command(short_help="Show the frames of a capture, and what is wrong with them.")
@click.argument("file", default="-", type=click.Path(allow_dash=True))
@click.option(
    "--role",
    type=click.Choice(["server", "client", "auto"]),
    default="auto",
    show_default=True,
    help="Show only what this end received. If the capture has no handshake, say here which end "
    "received the bytes.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(_captures.FORMATS),
    default="auto",
    show_default=True,
    help="The format of FILE; raw: the bytes themselves, with or without the handshake.",
)
@click.option("--hex", "is_hex", is_flag=True, help="The same as --format hex.")
@click.option(
    "--stream",
    "only",
    type=click.IntRange(min=0),
    help="Show only this connection, if there are several.",
)
@click.option(
    "--deflate",
    metavar="PARAMETERS",
    help="The negotiated permessage-deflate parameters, if the handshake is not in the capture; "
    "'none' if there was no compression.",
)
@click.option(
    "--keylog",
    type=click.Path(),
    help="The keys (a file that SSLKEYLOGFILE made) of a TLS capture; needs tshark.",
)
@SHOW_PAYLOAD
@JSON
def frames(
    file: str,
    role: Literal["server", "client", "auto"],
    form: str,
    is_hex: bool,
    only: int | None,
    deflate: str | None,
    keylog: str | None,
    show_payload: bool,
    as_json: bool,
) -> int:
    """Decode the WebSocket capture in FILE (or standard input); show one line for each frame.

    FILE may be a pcap, pcapng or HAR; the output of tshark, tcpdump, xxd, hexdump or od;
    hexadecimal or base64; or the bytes themselves. After the frames comes what breaks the
    protocol: the byte, and why.

    \b
    Examples:
      wsfast frames traffic.pcapng
      wsfast frames traffic.pcapng --keylog keys.log --stream 3
      echo 81 83 00000000 4b f6 6c | wsfast frames
      tshark -r x.pcap -q -z follow,tcp,raw,0 | wsfast frames
      wsfast frames page.har --show-payload

    Exit status: 0 valid, 1 a violation was found, 2 no verdict was possible on some part.
    """
    capture = _files.read_all(file, MAX_CAPTURE)
    if not capture:
        raise _files.Unreadable(f"{named(file)} is empty")
    options = _captures.Options(role, False, deflate)
    found: Any
    if keylog is not None:
        found = tls.read(capture, keylog)
    else:
        found = _captures.read(capture, "hex" if is_hex else form, options)
    view = View(show_payload, as_json)
    whole: dict[str, Any] = {}
    if isinstance(found[0], _captures.Connection):
        found, whole = _of_connections(found, options, only, view)
    elif only is not None:
        raise _files.Unreadable("--stream needs a capture of connections, such as a pcap")
    parts = [_write(part, role, view) for part in found if _received_by(part, role)]
    if not parts:
        raise _files.Unreadable(f"nothing in this capture was received by a {role}")
    if as_json:
        write_json(whole | {"streams": parts})
    return _status(parts)


def _write(part: _captures.Stream | _captures.Messages, role: str, view: View) -> dict[str, Any]:
    if isinstance(part, _captures.Stream):
        return write_stream(part, view)
    return write_messages(part, role, view)


def _received_by(part: _captures.Stream | _captures.Messages, role: str) -> bool:
    if role == "auto":
        return True
    if isinstance(part, _captures.Stream):
        return part.role == role
    return any(receiver == role for receiver, _, _ in part.messages)


def _status(parts: list[dict[str, Any]]) -> int:
    verdicts = [part["valid"] for part in parts]
    return 1 if False in verdicts else 2 if None in verdicts else 0


def _of_connections(
    connections: list[_captures.Connection],
    options: _captures.Options,
    only: int | None,
    view: View,
) -> tuple[list[_captures.Stream], dict[str, Any]]:
    """Return the streams of all connections that are WebSocket, or of one.

    Raises:
        NotFrames: none is.
    """
    found: dict[int, list[_captures.Stream]] = {}
    refused: dict[int, _captures.NotFrames] = {}
    for one in connections:
        if only not in (None, one.number):
            continue
        try:
            found[one.number] = of_connection(one, options)
        except _captures.NotFrames as error:
            refused[one.number] = error
    if only is not None:
        if only in refused:
            raise refused[only]
        if only not in found:
            raise _files.Unreadable(
                f"there is no stream {only}; this capture has 0 to {len(connections) - 1}"
            )
        return found[only], {}
    whole: dict[str, Any] = {}
    if len(connections) > 1:
        what = dict.fromkeys(found, "WebSocket")
        what |= {number: error.short for number, error in refused.items()}
        whole["connections"] = write_table(connections, what, view)
    if not found:
        if len(connections) == 1:
            raise refused[connections[0].number]
        first = next((e for e in refused.values() if e.short), next(iter(refused.values())))
        raise _captures.NotFrames(
            f"none of the {len(connections)} connections in this capture is a WebSocket "
            f"that can be read; connection {_key(refused, first)}: {first.message}"
        )
    return [stream for streams in found.values() for stream in streams], whole


def _key(refused: dict[int, _captures.NotFrames], error: _captures.NotFrames) -> int:
    return next(number for number, one in refused.items() if one is error)
