"""What stops a decoder, or a connection, though the remote did nothing wrong."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from helpers import BINARY, header, mask
from wsfast.deflate import Deflate


def compressed(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    deflated = (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]
    return header(0x80 | 0x40 | BINARY, len(deflated)) + mask(deflated)


class Stopped(BaseException):
    """As ``KeyboardInterrupt``, which a test runner takes for itself."""


def engine_with(call: Callable[[], None]) -> Deflate:
    """Return a ``Deflate`` whose engine calls that in the middle of inflating."""

    class Stream:
        def __init__(self, wbits: int) -> None:
            self._stream = zlib.decompressobj(wbits)

        def decompress(self, data: bytes, most: int) -> bytes:
            call()
            return self._stream.decompress(data, most)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._stream, name)

    deflate = Deflate("server")
    deflate._engine = SimpleNamespace(error=zlib.error, decompressobj=lambda wbits: Stream(wbits))
    return deflate


def raiser(error: BaseException) -> Callable[..., Any]:
    """Return a function that raises that, whatever it is given."""

    def call(*_: Any) -> Any:
        raise error

    return call
