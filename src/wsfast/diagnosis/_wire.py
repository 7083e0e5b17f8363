"""Payloads that are still masked or compressed.

RFC 6455 section 5.3 (masking); RFC 7692 section 7.2 (permessage-deflate).

Invariant: masking or compression is named only if undoing it gives UTF-8 that reads like
text.  With the frame's own key, any UTF-8 is enough.
"""

from __future__ import annotations

import re
import zlib
from functools import lru_cache
from heapq import nlargest
from itertools import product
from math import log

from .._backend import apply_mask, is_valid_utf8
from ._charset import mostly_utf8
from ._finding import Finding, Origin, Sample
from ._language import reads_like

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_SCAN = 256  # bytes; enough to find a key
_LEAST = 24  # bytes; with fewer, too many keys give something that reads like text
_FITS = 0.8
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_TAIL = b"\0\0\xff\xff"  # a sender removes this (RFC 7692 section 7.2.1)
_KEYS_TRIED = 8  # the likeliest of those that give UTF-8


def masked(sample: Sample) -> Finding | None:
    """Find bytes that become text when some masking key is applied."""
    if not sample.from_start or len(sample.data) < _LEAST:
        return None
    data = sample.data[:_SCAN]
    # Masked text contains control characters, unless the key moves all of it beyond ASCII.
    control = _CONTROL.search(data) is not None
    if not control and 2 * sum(byte < 0x80 for byte in data) > len(data):
        return None
    if mostly_utf8(data):
        return None
    best = 0.0, ""
    for reading in _readings(data):
        best = max(best, reading)
        if best[0] > 0.95:
            break
    if best[0] < _FITS:
        return None
    return Finding(
        Origin.MASKED,
        "high" if control and len(data) >= 64 and best[0] > 0.9 else "medium",
        f"unmasked with a key that wsfast found, it is UTF-8 and plausible {best[1]}",
    )


def masked_by_key(sample: Sample) -> Finding | None:
    """Try the frame's own key, if it is known, in each of its four phases."""
    key = sample.masking_key
    if key is None:
        return None
    for phase in range(4):
        turned = key[phase:] + key[:phase]
        if any(key) and _is_utf8(apply_mask(sample.data, turned), sample):
            how = "" if phase == 0 else f", started at byte {phase} of the key,"
            return Finding(Origin.MASKED, "high", f"unmasked with the frame's key{how} it is UTF-8")
    for phase in range(1, 4):
        twice = apply_mask(key, key[phase:] + key[:phase])
        if any(twice) and _is_utf8(apply_mask(sample.data, twice), sample):
            return Finding(
                Origin.MASKED,
                "high",
                f"it is UTF-8 if it was unmasked with the key {phase} bytes out of step",
            )
    return None


def _begins_as_utf8(data: bytes) -> bool:
    """Return whether it is UTF-8, except perhaps for a character cut at the end."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True


def _is_utf8(data: bytes, sample: Sample) -> bool:
    if not sample.from_start:
        data = data.lstrip(bytes(range(0x80, 0xC0)))
    if not sample.to_end:
        return _begins_as_utf8(data)
    return is_valid_utf8(data)


# About how often each byte occurs in 10,000 bytes of English text and JSON.
_ASCII: dict[int, float] = {}
for _group, _weight in (
    (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", 12),
    (b"!?()/=-_+'*&%#@<>|~\\$^`;", 6),
    (b"zqjx", 8),
    (b"[]{}\n", 25),
    (b"0123456789", 40),
    (b"kvbwygp,.:", 100),
    (b"fmuc", 180),
    (b'dl"', 290),
    (b"hrsni", 500),
    (b"aot", 600),
    (b"e", 900),
    (b" ", 1300),
):
    _ASCII.update(dict.fromkeys(_group, _weight))
# The lead bytes of a script's characters, and how many of 10,000 bytes they are together.
_SCRIPTS = (
    (b"\xc3\xc4\xc5", 150),  # Latin
    (b"\xd0\xd0\xd1", 4400),  # Cyrillic
    (b"\xe3\xe3\xe3\xe4\xe5\xe6\xe7\xe8\xe9", 3000),  # Chinese, Japanese
    (b"\xea\xeb\xec\xec\xed", 2700),  # Korean
    (b"\xce\xce\xcf", 4300),  # Greek
    (b"\xd7", 4300),  # Hebrew
    (b"\xd8\xd9", 4300),  # Arabic
    (b"\xe0\xe0\xe0\xe2", 3200),  # Thai, Hindi
)
_KEPT = 5  # values that are tried for each byte of a key
# The combinations of these values, by rank: only the likeliest keys, so the work is bounded.
_RANKS = tuple(ranks for ranks in product(range(_KEPT), repeat=4) if sum(ranks) < _KEPT)


@lru_cache
def _weights(leads: bytes, share: int) -> bytes:
    """Return the logarithm of how often each byte is in text of a script, from 0 to 255."""
    often = {byte: weight * (1 - share / 8000) for byte, weight in _ASCII.items()}
    often.update(dict.fromkeys(range(0x80, 0xC0), share * (2 if leads[0] >= 0xE0 else 1) / 64))
    for lead in leads:
        often[lead] = often.get(lead, 0) + share / len(leads)
    return bytes(round(20 * (log(often.get(byte, 0.05)) + 3)) for byte in range(256))


def _readings(data: bytes) -> Iterator[tuple[float, str]]:
    """For each script and likely key that gives UTF-8, yield how well the text reads."""
    # For each of the four places in a key: every fourth byte, unmasked with each value.
    turned = [
        [apply_mask(data[place::4], bytes((key,)) * 4) for key in range(256)] for place in range(4)
    ]
    for leads, share in _SCRIPTS:
        weights = _weights(leads, share)
        likely = [
            nlargest(_KEPT, ((sum(one.translate(weights)), key) for key, one in enumerate(ones)))
            for ones in turned
        ]
        found = []
        for ranks in _RANKS:
            places = [kept[rank] for kept, rank in zip(likely, ranks, strict=True)]
            key = bytes(byte for _, byte in places)
            unmasked = apply_mask(data, key)
            if any(key) and _begins_as_utf8(unmasked):
                found.append((sum(score for score, _ in places), unmasked))
        found.sort(reverse=True)
        for _, unmasked in found[:_KEYS_TRIED]:
            name, fit = reads_like(unmasked.decode("utf-8", "ignore"))
            yield fit, name


def compressed_message(sample: Sample) -> Finding | None:
    """Find a permessage-deflate message: with the tail added again it inflates to text."""
    if not sample.from_start or len(sample.data) < 4:
        return None
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(sample.data + _TAIL * sample.to_end, 65536)
    except zlib.error:
        return None
    # After a final block there may be a padding byte (section 7.2.3.4) and the tail added here.
    if not inflated or inflater.unused_data not in (b"", _TAIL, b"\0" + _TAIL):
        return None
    try:
        text = inflated.decode()
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data" or not inflater.unconsumed_tail:
            return None
        text = inflated[: error.start].decode()
    name, fit = reads_like(text)
    if fit < 0.6 or len(text) < (4 if sample.to_end else 32):
        return None
    return Finding(
        Origin.COMPRESSED_MESSAGE,
        "high" if len(text) >= 16 else "medium",
        f"inflated with raw DEFLATE, it is UTF-8 and plausible {name}",
    )
