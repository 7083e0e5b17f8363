"""aiohttp: what its WebSockets receive and send, on servers and clients.

    _reading     what arrives, as far as aiohttp's queue of messages
    _receiving   what an application takes out of it
    _sending     what is sent, from ``send_str()`` to the transport
    _library     whose code a name of aiohttp holds

Invariant: messages, limits, errors, flow control and frames are the same as aiohttp's, except
that text that is not UTF-8 is noticed at the invalid byte.  A call bypasses aiohttp's code only
while every name that this code would have used is unchanged: set by aiohttp or by this package.
"""

from __future__ import annotations

import functools
from typing import Any

from ..._backend import mask_with
from .._replacing import Peer, Seam
from ._reading import make_reader
from ._receiving import make_anext, make_close, make_receive
from ._sending import make_send_frame, make_send_str

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def _server() -> Any:
    from aiohttp.web_ws import WebSocketResponse

    return WebSocketResponse


def _client() -> Any:
    from aiohttp.client_ws import ClientWebSocketResponse

    return ClientWebSocketResponse


def _of_socket(module: str, kind: str, find: Callable[[], Any], timeout: str) -> list[Seam]:
    """Return the seams in the class of one end."""
    return [
        Seam(
            module,
            f"{kind}.receive",
            functools.partial(make_receive, timeout),
            "waits for messages itself",
        ),
        Seam(  # after receive, of which it has to know
            module,
            f"{kind}.__anext__",
            functools.partial(make_anext, find, timeout),
            "the same, without receive()",
        ),
        Seam(module, f"{kind}.send_str", make_send_str, "encodes text straight into its frame"),
        Seam(module, f"{kind}.close", make_close, "names the invalid byte in a 1007"),
    ]


_READS = "makes whole messages in C, validates text as it arrives"

PEER = Peer(
    "aiohttp",
    ("3.11", "3.15"),
    [
        Seam(
            "aiohttp._websocket.writer",
            "websocket_mask",
            lambda _: mask_with,
            "masks in C",
        ),
        Seam(
            "aiohttp._websocket.writer",
            "WebSocketWriter.send_frame",
            make_send_frame,
            "writes messages in C, compressed or not",
        ),
        Seam("aiohttp.web_ws", "WebSocketReader", functools.partial(make_reader, "server"), _READS),
        *_of_socket("aiohttp.web_ws", "WebSocketResponse", _server, "_receive_timeout"),
        Seam("aiohttp.client", "WebSocketReader", functools.partial(make_reader, "client"), _READS),
        *_of_socket("aiohttp.client_ws", "ClientWebSocketResponse", _client, "_timeout.ws_receive"),
    ],
    [
        (
            "aiohttp.compression_utils.ZLibDecompressor",
            "compressed messages that arrive: zlib takes the time, nothing to gain",
        )
    ],
)
