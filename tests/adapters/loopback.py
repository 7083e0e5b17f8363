"""The other end of a peer: a plain socket, and what comes and goes on it octet by octet.

Invariant: nothing here calls wsfast's codecs or a peer's.
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
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from helpers import CLOSE, KEY, frame, mask

PROGRAMS = Path(__file__).with_name("programs.py")
SECONDS = 20
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Frame(NamedTuple):
    """A frame as it came."""

    opcode: int
    payload: bytes
    fin: bool


class End:
    """Our end of a connection; as a client it masks."""

    def __init__(self, sock: socket.socket, client: bool) -> None:
        sock.settimeout(SECONDS)
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
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            head = self._head()
            assert head[0].startswith(b"HTTP/1.1 101"), head
            return
        head = self._head()
        key = next(line for line in head if line.lower().startswith(b"sec-websocket-key:"))
        digest = hashlib.sha1(key.partition(b":")[2].strip() + GUID).digest()
        self._sock.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
        )

    def _head(self) -> list[bytes]:
        lines = []
        while line := self._received.readline().rstrip():
            lines.append(line)
        return lines

    def say(self, opcode: int, payload: bytes = b"", *, fin: bool = True) -> None:
        """Send a frame; that the other end is gone already is no fault."""
        with contextlib.suppress(ConnectionError):
            self._sock.sendall(frame(opcode, payload, fin=fin, key=self._key))

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
        return Frame(begin[0] & 0x0F, mask(payload, key) if key else payload, begin[0] > 0x7F)

    def hear_message(self) -> tuple[int, bytes]:
        """Return the opcode and the whole payload of a message or control frame."""
        first = part = self.hear()
        payload = b""
        while part is not None:
            payload += part.payload
            if part.fin:
                assert first is not None
                return first.opcode, payload
            part = self.hear()
        raise EOFError("the stream ended inside a message")

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
    """A program that uses a peer, in a process of its own, and connections to it."""

    def __init__(self, name: str, accelerated: str) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.is_client = name in ("websocket-client", "lomond")
        port = self._listener.getsockname()[1]
        number = port if self.is_client else self._listener.fileno()
        switch = ("-a", accelerated) if accelerated else ()
        self._command = [sys.executable, str(PROGRAMS), *switch, name, str(number)]
        self._process: subprocess.Popen[str] | None = None
        if not self.is_client:
            self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=[] if self.is_client else [self._listener.fileno()],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[1:])},
        )

    @contextlib.contextmanager
    def connected(self) -> Iterator[End]:
        """Give our end of a new connection."""
        if self.is_client:
            self._end()
            self._start()
            self._listener.settimeout(SECONDS)
            sock, _ = self._listener.accept()
        else:
            sock = socket.create_connection(self._listener.getsockname(), SECONDS)
        end = End(sock, client=not self.is_client)
        try:
            yield end
        finally:
            end.hang_up()

    def told(self) -> list[Any]:
        """Return what the application was told next."""
        assert self._process is not None
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], SECONDS)[0]:
            raise TimeoutError("the application was told nothing")
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError(self._process.communicate()[1])
        found: list[Any] = json.loads(line)
        return found

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def close(self) -> None:
        """End the program."""
        self._end()
        self._listener.close()
