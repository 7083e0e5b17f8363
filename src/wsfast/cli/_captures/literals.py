"""Bytes as they stand in source code, in a shell or in a debugger.

Hexadecimal digits with whatever between; base64; byte strings and lists of numbers in
Python, C, JavaScript and their like; the arrays of Wireshark's "C Arrays".

Invariant: what is between the bytes is known, or nothing is returned.
"""

from __future__ import annotations

import ast
import base64
import binascii
import re

from .model import Connection, NotFrames, Side, Unwrapped

_HEX = re.compile(rb"(?:0[xX]|\\x|[0-9A-Fa-f]|[\s:,;-])+")
_BETWEEN = re.compile(rb"0[xX]|\\x|[\s:,;-]")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]+={0,2}")
_ARMOUR = re.compile(rb"\s*-----BEGIN [^-\n]{1,80}-----\s([^-]*)-----END [^-\n]{1,80}-----\s*")
_DATA_URL = re.compile(rb"data:[^,]{0,200};base64,")
_COMMENT = re.compile(rb"/\*.{0,200}?\*/|//[^\n]*|(?<=[,\s])#[^\n]*", re.DOTALL)
_BYTE = rb"(?:0[xX][0-9A-Fa-f]{1,2}|\d{1,3})"
_LIST = re.compile(rb"[\[({]\s*(%b(?:[\s,]+%b)*)[\s,]*[\])}]" % (_BYTE, _BYTE))
_NUMBER = re.compile(rb"0[xX][0-9A-Fa-f]+|\d+")
_NODE = re.compile(rb"<Buffer ((?:[0-9a-f]{2} ?)+)>")
_CUT_BY_NODE = re.compile(rb"<Buffer (?:[0-9a-f]{2} ){50}\.\.\. \d{1,12} more bytes?>")
_CONTINUED = re.compile(rb"\\\r?(?:\n|\Z)")  # by the next line, as in C and in Python
_PEER = re.compile(rb"char peer([01])_\d+\[\]\s*=\s*")
_PYTHON = re.compile(
    rb"(?:[A-Za-z_]\w*\s*=\s*)?\(?\s*(?:bytearray\(|bytes\()?\s*"
    rb"((?:[bB][rR]?(?:'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")\s*)+)[);\s]*",
    re.DOTALL,
)
_FROMHEX = re.compile(
    rb"(?:[A-Za-z_]\w*\s*=\s*)?bytes\.fromhex\(\s*['\"]([0-9A-Fa-f\s]*)['\"]\s*\)\s*"
)
_C_STRING = re.compile(rb"(?:[\w\s*\[\]]+=\s*)?((?:\"(?:[^\"\\\n]|\\.)*\"\s*)+);?\s*")
_ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_SHORT = dict(zip(b"nrtabfv", b"\n\r\t\a\b\f\v", strict=True))
_LONGEST = 16 << 20  # bytes of source code


class Hexadecimal:
    """Digits, with blanks, colons, commas, dashes or 0x between."""

    NAME = "hex"

    @staticmethod
    def score(data: bytes) -> int:
        head = data[:4096].strip()
        if not head or not _HEX.fullmatch(head):
            return 0
        return 80 if re.search(rb"[0-9A-Fa-f]{2}", head) else 0

    @staticmethod
    def read(data: bytes) -> Unwrapped:
        digits = _BETWEEN.sub(b"", data)
        try:
            return Unwrapped(binascii.unhexlify(digits))
        except binascii.Error as error:
            raise NotFrames(f"not hexadecimal: {error}") from None


class Base64:
    """Base64, of either alphabet, in lines of any length, or a data URL."""

    NAME = "base64"

    @staticmethod
    def score(data: bytes) -> int:
        text = _unwrapped(data)
        if len(text) < 4 or not _BASE64.fullmatch(text) or len(text.rstrip(b"=")) % 4 == 1:
            return 0
        return 60 if len(text) % 4 == 0 or _DATA_URL.match(data) else 30

    @staticmethod
    def read(data: bytes) -> Unwrapped:
        text = _unwrapped(data)
        text = text.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        try:
            return Unwrapped(base64.b64decode(text + b"=" * (-len(text) % 4), validate=True))
        except binascii.Error as error:
            raise NotFrames(f"not base64: {error}") from None


def _unwrapped(data: bytes) -> bytes:
    """Return base64 without blanks, and without what is before it and after."""
    if armoured := _ARMOUR.fullmatch(data):
        data = armoured[1]
    return b"".join(_DATA_URL.sub(b"", data, count=1).split())


class Literal:
    """A string of bytes or a list of numbers, as in source code."""

    NAME = "literal"

    @staticmethod
    def score(data: bytes) -> int:
        if len(data) > _LONGEST:
            return 0
        return 90 if _CUT_BY_NODE.match(data.strip()) or _literal(data) is not None else 0

    @staticmethod
    def read(data: bytes) -> Unwrapped:
        if _CUT_BY_NODE.match(data.strip()):
            raise NotFrames(
                "Node prints only the first 50 bytes of a buffer; print buffer.toString('hex')"
            )
        found = _literal(data)
        if found is None:
            raise NotFrames("neither a byte string nor a list of numbers from 0 to 255")
        return Unwrapped(found)


def _literal(data: bytes) -> bytes | None:
    text = data.strip()
    if node := _NODE.fullmatch(text):
        return bytes.fromhex(node[1].decode())
    if digits := _FROMHEX.fullmatch(text):
        return bytes.fromhex(digits[1].decode())
    if text[:400].find(b"'") >= 0 or text[:400].find(b'"') >= 0:
        return _string(text)
    text = _COMMENT.sub(b" ", text)
    found = _LIST.search(text)
    # Before the list may stand a declaration, after it the end of one.
    if not found or not re.fullmatch(rb"[\w\s=*.:;()\[\]<>&!{]{0,200}", text[: found.start()]):
        return None
    if not re.fullmatch(rb"[\s;)\]}]*(?:unsigned int \w+ = \d+;)?\s*", text[found.end() :]):
        return None
    numbers = [_number(number) for number in _NUMBER.findall(found[1])]
    return bytes(numbers) if max(numbers) < 256 else None


def _number(text: bytes) -> int:
    return int(text, 16 if text[:2] in (b"0x", b"0X") else 10)


def _string(text: bytes) -> bytes | None:
    text = _CONTINUED.sub(b"", text)
    if found := _PYTHON.fullmatch(text):
        try:
            value = ast.literal_eval("(" + found[1].decode("latin-1") + ")")
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
        return value if isinstance(value, bytes) else None
    found = _C_STRING.fullmatch(text)
    if not found or b"\\" not in found[1]:
        return None
    parts = re.findall(rb'"((?:[^"\\\n]|\\.)*)"', found[1])
    return b"".join(_ESCAPE.sub(_unescaped, part) for part in parts)


def _unescaped(found: re.Match[bytes]) -> bytes:
    said = found[1]
    if said[:1] == b"x" and len(said) > 1:
        return bytes([int(said[1:], 16)])
    if said.isdigit():
        return bytes([int(said, 8) & 0xFF])
    return bytes([_SHORT.get(said[0], said[0])])


class Arrays:
    """Wireshark's Follow TCP Stream, saved as C arrays."""

    NAME = "c-arrays"

    @staticmethod
    def score(data: bytes) -> int:
        return 95 if _PEER.search(data[:4096]) else 0

    @staticmethod
    def read(data: bytes) -> list[Connection]:
        sides = [bytearray(), bytearray()]
        parts = _PEER.split(data)
        for peer, rest in zip(parts[1::2], parts[2::2], strict=True):
            found = _LIST.match(_COMMENT.sub(b" ", rest).strip())
            if not found:
                raise NotFrames(f"array {len(sides[0])} of peer {int(peer)} is incomplete")
            numbers = [_number(number) for number in _NUMBER.findall(found[1])]
            if max(numbers) > 255:
                raise NotFrames(f"an array of peer {int(peer)} has a number above 255")
            sides[int(peer)] += bytes(numbers)
        return [Connection((Side([(0, bytes(sides[0]))]), Side([(0, bytes(sides[1]))])))]
