"""The other end of a library's connection: a plain socket, read and written byte by byte.

Invariant: nothing here calls wsfast's codecs or a library's.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import select
import socket
import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from helpers import CLOSE, KEY, frame, mask
from programs import CLIENTS

PROGRAMS = Path(__file__).with_name("programs.py")
SECONDS = 20
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Frame(NamedTuple):
    """A frame as it came."""

    opcode: int
    payload: bytes
    fin: bool
    rsv1: bool = False


class End:
    """Our end of a connection; as a client it masks.

    With ``deflate`` it offers permessage-deflate, or accepts it, and takes for granted that
    the other end does what it says about that, unless ``may_refuse``; ``negotiated`` says
    whether it is in use.
    """

    may_refuse = False
    negotiated = False

    def __init__(self, sock: socket.socket, client: bool, deflate: bool = False) -> None:
        sock.settimeout(SECONDS)
        self._deflate = deflate
        self._compressor = zlib.compressobj(wbits=-15)
        self._decompressor = zlib.decompressobj(-15)
        self._sock = sock
        self._received = sock.makefile("rb")
        self._key = KEY if client else None
        self._client = client
        self._shake_hands()

    def _shake_hands(self) -> None:
        if self._client:
            self._sock.sendall(
                b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + self._extension() + b"\r\n"
            )
            head = self._head()
            assert head, "the other end closed the connection before it answered"
            assert head[0].startswith(b"HTTP/1.1 101"), head
            self.negotiated = any(b"permessage-deflate" in line for line in head)
            assert self._deflate is self.negotiated or (self._deflate and self.may_refuse), head
            return
        head = self._head()
        assert head, "the other end closed the connection before it asked"
        offered = any(b"permessage-deflate" in line for line in head)
        self.negotiated = self._deflate and (offered or not self.may_refuse)
        key = next(line for line in head if line.lower().startswith(b"sec-websocket-key:"))
        digest = hashlib.sha1(key.partition(b":")[2].strip() + GUID).digest()
        self._sock.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: "
            + base64.b64encode(digest)
            + b"\r\n"
            + (self._extension() if self.negotiated else b"")
            + b"\r\n"
        )

    def _extension(self) -> bytes:
        return b"Sec-WebSocket-Extensions: permessage-deflate\r\n" if self._deflate else b""

    def _head(self) -> list[bytes]:
        lines = []
        while line := self._received.readline().rstrip():
            lines.append(line)
        return lines

    def say(
        self, opcode: int, payload: bytes = b"", *, fin: bool = True, rsv1: bool = False
    ) -> None:
        """Send a frame; that the other end is gone already is no fault."""
        with contextlib.suppress(ConnectionError):
            opcode |= 0x40 if rsv1 else 0
            self._sock.sendall(frame(opcode, payload, fin=fin, key=self._key))

    def deflated(self, payload: bytes) -> bytes:
        """Return the payload of a compressed message."""
        compressed = self._compressor.compress(payload) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        return compressed.removesuffix(b"\x00\x00\xff\xff")

    def hear(self) -> Frame | None:
        """Return the next frame, ``None`` at the end of the stream."""
        try:
            begin = self._received.read(2)
            if len(begin) < 2:
                return None
            length = begin[1] & 0x7F
            if length > 125:
                length = int.from_bytes(self._received.read(2 if length == 126 else 8), "big")
            key = self._received.read(4) if begin[1] & 0x80 else b""
            payload = self._received.read(length)
        except ConnectionError:
            return None
        assert len(payload) == length
        assert bool(key) is not self._client, "a client masks, a server doesn't"
        if key:
            payload = mask(payload, key)
        return Frame(begin[0] & 0x0F, payload, begin[0] > 0x7F, bool(begin[0] & 0x40))

    def hear_message(self) -> tuple[int, bytes]:
        """Return the opcode and the whole payload of a message or control frame."""
        first = part = self.hear()
        payload = b""
        while part is not None:
            payload += part.payload
            if part.fin:
                assert first is not None
                return first.opcode, self.inflated(first._replace(payload=payload))
            part = self.hear()
        raise EOFError("the stream ended inside a message")

    def inflated(self, frame: Frame) -> bytes:
        """Return the payload of a message as it was before it was compressed, if it was."""
        if not frame.rsv1:
            return frame.payload
        return self._decompressor.decompress(frame.payload + b"\x00\x00\xff\xff")

    def hang_up(self) -> None:
        """Close the socket."""
        self._received.close()
        self._sock.close()

    def farewell(self) -> tuple[int | None, str]:
        """Return the code and reason of the close frame: 1005 without one, 1006 without any."""
        while (got := self.hear()) is not None:
            if got.opcode == CLOSE:
                self.say(CLOSE, got.payload)
                with contextlib.suppress(OSError):
                    self._sock.shutdown(socket.SHUT_WR)
                if not got.payload:
                    return 1005, ""
                return int.from_bytes(got.payload[:2], "big"), got.payload[2:].decode()
        return 1006, ""


class Peer:
    """A program that uses a peer, in a process of its own, and connections to it.

    What is in the directories ``before`` is imported before what is installed.
    """

    def __init__(
        self, name: str, accelerated: str, flipped: str = "", before: Sequence[str] = ()
    ) -> None:
        self._path = os.pathsep.join([*before, *sys.path[1:]])
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.is_client = name in CLIENTS
        port = self._listener.getsockname()[1]
        number = port if self.is_client else self._listener.fileno()
        switch = ("-a", accelerated) if accelerated else ("-f", flipped) if flipped else ()
        self._command = [sys.executable, str(PROGRAMS), *switch, name, str(number)]
        self._process: subprocess.Popen[str] | None = None
        if not self.is_client:
            self._start()

    def _start(self) -> None:
        self._said = b""  # and not yet taken
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=[] if self.is_client else [self._listener.fileno()],
            env={**os.environ, "PYTHONPATH": self._path},
        )

    def flip(self, on: bool) -> None:
        """Accelerate or restore in the program that was started for that."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write("on\n" if on else "off\n")
        self._process.stdin.flush()
        while self.told() != ["flipped"]:
            pass  # of a connection that ended meanwhile

    @contextlib.contextmanager
    def connected(self, deflate: bool = False, kind: type[End] = End) -> Iterator[End]:
        """Give our end of a new connection."""
        if self.is_client:
            self._end()
            self._start()
            self._listener.settimeout(SECONDS)
            sock, _ = self._listener.accept()
        else:
            sock = socket.create_connection(self._listener.getsockname(), SECONDS)
        end = kind(sock, client=not self.is_client, deflate=deflate)
        try:
            yield end
        finally:
            end.hang_up()

    def told(self) -> list[Any]:
        """Return what the application was told next."""
        assert self._process is not None
        assert self._process.stdout is not None
        stdout = self._process.stdout.fileno()
        while b"\n" not in self._said:
            if not select.select([stdout], [], [], SECONDS)[0]:
                raise TimeoutError("the application was told nothing")
            said = os.read(stdout, 65536)
            if not said:
                raise AssertionError(self._process.communicate()[1])
            self._said += said
        line, _, self._said = self._said.partition(b"\n")
        found: list[Any] = json.loads(line)
        return found

    def written(self) -> list[str]:
        """End the program; return the lines that it wrote on stderr."""
        if self._process is None:
            return []
        self._process.kill()
        process, self._process = self._process, None
        return process.communicate()[1].strip().splitlines()

    def complaint(self) -> str:
        """End the program; return the last line that it wrote on stderr."""
        lines = self.written()
        return lines[-1] if lines else ""

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def close(self) -> None:
        """End the program."""
        self._end()
        self._listener.close()
