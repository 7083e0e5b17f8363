"""``wsfast demo``: from bytes to evidence, cause and remedy, in a minute.

Invariant: everything shown is computed as it is shown.
"""

from __future__ import annotations

import click

from .. import InvalidUTF8, MessageDecoder, Opcode, encode_frame, new_masking_key
from ..backoff import should_reconnect
from ..diagnosis import diagnose
from ._output import JSON, diagnosed, evidence, write_evidence, write_json

# What each would be in an application, and the fragments that it is sent in.
SCENES: tuple[tuple[str, tuple[bytes, ...]], ...] = (
    ("text in UTF-8", ("Grüße aus Köln 🙂".encode(),)),
    ("text in Latin-1", ("Grüße aus Köln".encode("latin-1"),)),
    (
        "a PNG image in a text frame",
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0",),
    ),
    ("a character whose last byte got lost between fragments", (b"at 9 \xf0\x9f", b"\x98? Yes")),
    ("an emoji as two surrogates (CESU-8)", (b"smile \xed\xa0\xbd\xed\xb8\x80",)),
    ("text cut after 16 bytes, inside a character", ("日本語のテキスト".encode()[:16],)),
)


@click.command(short_help="Decode examples of valid and invalid messages.")
@click.option("--serve", is_flag=True, help="Serve a page that shows them in a browser.")
@click.option(
    "--port",
    default=8765,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="With --serve; 0 for any free port.",
)
@JSON
def demo(serve: bool, port: int, as_json: bool) -> int:
    """Decode example messages; say what is wrong with each, and where the wrong bytes came from.

    \b
    Examples:
      wsfast demo
      wsfast demo --serve        then open http://127.0.0.1:8765/
    """
    if serve:
        from ._server import serve_demo

        serve_demo(port)
        return 0
    scenes = [(title, *_decode(fragments)) for title, fragments in SCENES]
    if as_json:
        write_json(
            [
                {"title": title, "valid": violation is None}
                | ({} if violation is None else {"violation": evidence(violation)})
                | ({} if violation is None else {"diagnosis": diagnosed(diagnose(payload))})
                for title, payload, violation in scenes
            ]
        )
        return 0
    for title, payload, violation in scenes:
        click.echo(click.style(title, bold=True))
        if violation is None:
            click.echo(f"{click.style('valid', fg='green')}: {len(payload)} bytes")
        else:
            write_evidence(violation, diagnose(payload))
        click.echo()
    again = "yes" if should_reconnect(1007) else "no"
    click.echo(f"Reconnect after 1007? {again}. More: wsfast explain 1001 1007")
    return 0


def _decode(fragments: tuple[bytes, ...]) -> tuple[bytes, InvalidUTF8 | None]:
    """Send a message to a decoder, masked as clients do; return it and its violation."""
    payload = b"".join(fragments)
    decoder = MessageDecoder("server")
    try:
        for number, fragment in enumerate(fragments):
            frame = encode_frame(
                Opcode.CONTINUATION if number else Opcode.TEXT,
                fragment,
                fin=number == len(fragments) - 1,
                masking_key=new_masking_key(),
            )
            list(decoder.feed(frame))
    except InvalidUTF8 as violation:
        return payload, violation
    return payload, None
