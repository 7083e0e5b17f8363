"""Binary formats that were sent as text: by their first bytes, or by their whole structure.

RFC 1950 (zlib), RFC 1952 (gzip), RFC 8949 (CBOR), the MessagePack specification and the
Protocol Buffers encoding; PNG section 5.2, JPEG (ITU-T T.81 annex B), PDF (ISO 32000).

Invariant: each parser reads each byte once and never recurses, so that hostile bytes cost
no more than others.
"""

from __future__ import annotations

import re
import zlib

from ._finding import Finding, Origin, Sample

_SIGNATURES = (
    (b"\x1f\x8b\x08", Origin.GZIP, ""),
    (b"\x89PNG\r\n\x1a\n", Origin.PNG, ""),
    (b"\xff\xd8\xff", Origin.JPEG, ""),
    (b"%PDF-", Origin.PDF, ""),
    (b"PK\x03\x04", Origin.OTHER_BINARY, "ZIP"),
    (b"GIF87a", Origin.OTHER_BINARY, "GIF"),
    (b"GIF89a", Origin.OTHER_BINARY, "GIF"),
    (b"(\xb5/\xfd", Origin.OTHER_BINARY, "Zstandard"),
    (b"\x7fELF", Origin.OTHER_BINARY, "ELF"),
    (b"\0asm", Origin.OTHER_BINARY, "WebAssembly"),
    (b"OggS", Origin.OTHER_BINARY, "Ogg"),
    (b"\x1aE\xdf\xa3", Origin.OTHER_BINARY, "Matroska or WebM"),
    (b"BZh", Origin.OTHER_BINARY, "bzip2"),
    (b"\xfd7zXZ\0", Origin.OTHER_BINARY, "xz"),
)


def signature(sample: Sample) -> Finding | None:
    """Find a format by its signature: the bytes that all its files begin with."""
    if not sample.from_start:
        return None
    for magic, origin, detail in _SIGNATURES:
        if sample.data.startswith(magic):
            what = detail or origin.value
            return Finding(origin, "high", f"it begins with the signature of {what}", detail)
    if sample.data[:4] == b"RIFF" and sample.data[8:12] in (b"WEBP", b"WAVE", b"AVI "):
        detail = sample.data[8:12].decode("ascii").strip()
        return Finding(
            Origin.OTHER_BINARY, "high", f"it begins with the signature of {detail}", detail
        )
    return _zlib(sample)


def _zlib(sample: Sample) -> Finding | None:
    """Find zlib data: a header with a valid check, then bytes that inflate."""
    head = sample.data[:2]
    if len(head) < 2 or head[0] & 0x8F != 0x08 or int.from_bytes(head, "big") % 31:
        return None
    try:
        inflater = zlib.decompressobj()
        inflated = inflater.decompress(sample.data, 65536)
    except zlib.error:
        return None
    if not inflated and not inflater.eof:
        return None
    return Finding(Origin.ZLIB, "high", "its header is a valid zlib header, and it inflates")


_LEAST_PART = 256  # bytes; a shorter beginning of anything may be that of such a value


def structured(sample: Sample) -> Finding | None:
    """Find MessagePack, CBOR or Protocol Buffers, which have no signature."""
    if not sample.from_start or len(sample.data) < 2:
        return None
    data, whole = sample.data, sample.to_end
    if not whole and len(data) < _LEAST_PART:
        return None
    # Only a map or an array is evidence: almost any bytes are a valid number or string.
    for origin, begins, walk in (
        (Origin.MSGPACK, _MSGPACK_BEGINS, _walk_msgpack),
        (Origin.CBOR, _CBOR_BEGINS, _walk_cbor),
    ):
        items = walk(data, whole) if begins.match(data) else 0
        if items >= 2:
            return Finding(
                origin,
                "high" if items >= 5 and _CONTROL.search(data) else "medium",
                f"{'all of it' if whole else 'its beginning'} is one value with {items} items",
            )
    fields = _walk_protobuf(data, whole)
    if fields >= 2:
        return Finding(
            Origin.PROTOBUF,
            "medium" if fields >= 4 else "low",
            f"{'all of it' if whole else 'its beginning'} is a sequence of {fields} fields",
        )
    return None


_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")  # what no text has
_MSGPACK_BEGINS = re.compile(rb"[\x81-\x8f\x92-\x9f\xdc-\xdf]")
_CBOR_BEGINS = re.compile(rb"[\x82-\x9b\x9f\xa1-\xbb\xbf]|\xd9\xd9\xf7")

# For each first byte: how many bytes of a length or value follow, and what the length counts.
_MSGPACK = {
    first: (size, kind)
    for kind, sizes in {
        "": "C0:0 C2:0 C3:0 CA:4 CB:8 CC:1 CD:2 CE:4 CF:8 D0:1 D1:2 D2:4 D3:8 "
        "D4:2 D5:3 D6:5 D7:9 D8:17",
        "bin": "C4:1 C5:2 C6:4",
        "ext": "C7:1 C8:2 C9:4",
        "str": "D9:1 DA:2 DB:4",
        "array": "DC:2 DD:4",
        "map": "DE:2 DF:4",
    }.items()
    for first, size in ((int(e[:2], 16), int(e[3:])) for e in sizes.split())
}


def _walk_msgpack(data: bytes, whole: bool) -> int:
    """Return how many items the one value has; 0 if the bytes are no such value."""
    at, items, open_items = 0, 0, 1
    while open_items:
        if at >= len(data):
            return 0 if whole else items
        first = data[at]
        at += 1
        open_items -= 1
        items += 1
        kind, length = "", 0
        if first < 0x80 or first >= 0xE0:
            continue
        if first < 0xC0:
            kind = "map" if first < 0x90 else "array" if first < 0xA0 else "str"
            length = first & (0x1F if kind == "str" else 0x0F)
        else:
            if first not in _MSGPACK:
                return 0
            size, kind = _MSGPACK[first]
            length = int.from_bytes(data[at : at + size], "big") if kind else 0
            at += size
        if kind in ("map", "array"):
            open_items += length * (2 if kind == "map" else 1)
        else:
            if kind == "str" and not _is_utf8(data[at : at + length]):
                return 0
            at += length + (kind == "ext")
    return items if at == len(data) else 0


def _walk_cbor(data: bytes, whole: bool) -> int:
    """Return how many items the one value has; 0 if the bytes are no such value."""
    at, items = 0, 0
    left: list[float] = [1]  # items to come, one entry a map or array that is open
    while left:
        if at >= len(data):
            return 0 if whole else items
        major, info = data[at] >> 5, data[at] & 0x1F
        at += 1
        if major == 7 and info == 31:  # break: ends a value of indefinite length
            if left.pop() != float("inf"):
                return 0
            left = _close(left)
            continue
        size = {24: 1, 25: 2, 26: 4, 27: 8}.get(info, 0)
        if 28 <= info <= 30 or (info == 31 and major in (0, 1, 6)):
            return 0
        value = int.from_bytes(data[at : at + size], "big") if size else info
        at += size
        items += 1
        left[-1] -= major != 6  # a tag is no item, the value after it is
        if major in (4, 5):
            left.append(float("inf") if info == 31 else value * (major - 3))
        elif info == 31 and major in (2, 3):
            left.append(float("inf"))
        elif major in (2, 3):
            if major == 3 and not _is_utf8(data[at : at + value]):
                return 0
            at += value
        left = _close(left)
    return items if at == len(data) else 0


def _close(left: list[float]) -> list[float]:
    while left and left[-1] == 0:
        left.pop()
    return left


def _walk_protobuf(data: bytes, whole: bool) -> int:
    """Return how many fields there are; 0 if it is not a message, or probably not one."""
    at, fields, highest, telling = 0, 0, 0, False
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if not 1 <= number <= 200 or kind not in (0, 1, 2, 5):
            return 0
        fields += 1
        highest = max(highest, number)
        if kind == 0:
            value, at = _varint(data, at)
            if value < 0:
                return 0
        elif kind == 2:
            length, at = _varint(data, at)
            if length < 0 or (whole and at + length > len(data)):
                return 0
            text = data[at : at + length]
            telling = telling or (length >= 3 and _is_printable(text))
            at += length
        else:
            at += 8 if kind == 1 else 4
    if whole and at != len(data):
        return 0
    # Real messages number their fields from 1; in noise the numbers are random.
    return fields if highest <= 4 * fields + 8 and (telling or fields >= 4) else 0


def _is_printable(data: bytes) -> bool:
    return _is_utf8(data) and data.decode("utf-8", "ignore").isprintable()


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a varint and where it ends; -1 if there is no varint."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            return -1, at
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    return -1, at


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True
