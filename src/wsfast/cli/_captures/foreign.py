"""What a file is that holds no WebSocket frames.

Invariant: no capture of frames, from its first byte, is any of these.
"""

from __future__ import annotations

import re

from .model import NotFrames
from .text import as_utf8, is_text

KEYS = (
    "To read it, let the client write its keys (SSLKEYLOGFILE=keys.log) and pass them with "
    "--keylog keys.log, or capture on the unencrypted side of the TLS proxy."
)
# What a file begins with, and what it is then.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (rb"[\x14-\x17]\x03[\x00-\x04]", "a TLS record"),
    (rb"\x80.\x01\x03[\x00-\x04]", "an SSL 2 hello"),
    (rb"PRI \* HTTP/2\.0\r\n", "an HTTP/2 connection"),
    (rb"\x00\x00[\x00-\x60]\x04[\x00\x01]\x00\x00\x00\x00", "HTTP/2 frames"),
    (rb"(?:GET|POST|PUT|HEAD|DELETE|OPTIONS|PATCH|CONNECT|TRACE) \S+ HTTP/1", "an HTTP request"),
    (rb"HTTP/[0-3]", "an HTTP response"),
    (rb"SSH-[12]\.", "an SSH connection"),
    (rb"\x10.\x00\x04MQTT|\x10.\x00\x06MQIsdp", "an MQTT connection"),
    (rb"AMQP[\x00-\x03]", "an AMQP connection"),
    (rb"\x00\x00..\x00\x03\x00\x00user", "a PostgreSQL connection"),
    (rb"\*\d+\r\n\$\d+\r\n", "Redis commands"),
    (rb"\x05[\x01-\x04]\x00\x05", "a SOCKS connection"),
    (rb"\x89PNG\r\n\x1a\n", "a PNG image"),
    (rb"\xff\xd8\xff", "a JPEG image"),
    (rb"GIF8[79]a", "a GIF image"),
    (rb"RIFF....", "a RIFF file (WebP, WAV or AVI)"),
    (rb"BM....\x00\x00\x00\x00", "a BMP image"),
    (rb"II\*\x00|MM\x00\*", "a TIFF image"),
    (rb"\x00\x00[\x01\x02]\x00[\x01-\x40]\x00", "an icon"),
    (rb"....ftyp", "an MP4 file"),
    (rb"\x1aE\xdf\xa3", "a Matroska or WebM file"),
    (rb"OggS", "an Ogg file"),
    (rb"fLaC", "a FLAC file"),
    (rb"ID3[\x02-\x04]", "an MP3 file"),
    (rb"%PDF-", "a PDF document"),
    (rb"PK(?:\x03\x04|\x05\x06)", "a ZIP archive"),
    (rb"\x1f\x8b\x08", "gzip data"),
    (rb"BZh[1-9]1AY&SY", "bzip2 data"),
    (rb"\xfd7zXZ\x00", "xz data"),
    (rb"\x28\xb5\x2f\xfd", "Zstandard data"),
    (rb"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (rb"Rar!\x1a\x07", "a RAR archive"),
    (rb".{257}ustar", "a tar archive"),
    (rb"!<arch>\n", "an archive of object files"),
    (rb"\x7fELF", "an ELF program"),
    (rb"MZ.{58}.{4}", "a Windows program"),
    (rb"[\xce\xcf]\xfa\xed\xfe|\xfe\xed\xfa[\xce\xcf]", "a Mach-O program"),
    (rb"\xca\xfe\xba\xbe", "a Java class or a Mach-O program"),
    (rb"\x00asm\x01\x00\x00\x00", "a WebAssembly module"),
    (rb"..\r\n[\x00-\x03]\x00\x00\x00", "compiled Python"),
    (rb"SQLite format 3\x00", "an SQLite database"),
    (rb"wOF[F2]|\x00\x01\x00\x00\x00|OTTO", "a font"),
    (rb"\xde\x12\x04\x95|\x95\x04\x12\xde", "a gettext catalogue"),
    (rb"\x80[\x02-\x05][\x95c}\]\(K]", "a Python pickle"),
    (rb"\x93NUMPY", "a NumPy array"),
    (rb"\x30\x82..\x30", "a DER certificate or key"),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document"),
)
_KNOWN = tuple((re.compile(pattern, re.DOTALL), name) for pattern, name in _MAGIC)
_TEXTS = (
    (re.compile(rb"\s*(?:<\?xml|<!DOCTYPE|<html)", re.IGNORECASE), "an HTML or XML document"),
    (re.compile(rb"\s*[\[{]"), "text, perhaps JSON"),
    (re.compile(rb"#!"), "a script"),
)


def known(data: bytes) -> str:
    """Return what a file certainly is by its beginning, "" if that isn't known."""
    for pattern, name in _KNOWN:
        if pattern.match(data):
            return name
    text, encoding = as_utf8(data)
    if encoding and encoding != "utf-8":
        return f"text in {encoding.upper()}"
    if len(text) >= 4 and is_text(text):
        for pattern, name in _TEXTS:
            if pattern.match(text):
                return name
        return "text"
    return ""


def refusal(data: bytes) -> NotFrames:
    """Return the error for bytes that are no frames."""
    name = known(data)
    if not name:
        count = len(data)
        what = (
            f"{count} byte{'s' * (count != 1)} ({data.hex(' ')}), too little to tell"
            if count < 16
            else f"unknown data ({data[:8].hex(' ')} ...)"
        )
        return NotFrames(f"this does not look like WebSocket frames: it is {what}.", doubtful=True)
    verb = "is" if name.startswith("text") else "begins as"
    said = f"this does not look like WebSocket frames: it {verb} {name}."
    if "TLS" in name:
        said = f"{said} {KEYS}"
    return NotFrames(said, re.sub("^an? ", "", name))
