"""websockets: what its connections, whatever they run on, receive and send.

    _parsing     what the sans-I/O protocol receives, under every kind of connection
    _receiving   what an asyncio connection receives, from the transport to ``recv()``
    _sending     what is sent, from ``send()`` and ``broadcast()`` to the transport
    _library     names that differ between versions, and whose code a name holds

Invariant: frames, limits, errors and log lines are those of websockets, but for text that
is not UTF-8: that is found with its frame, and the reason has its place in the message.
Only two lists of ours are kept on an object of websockets, in ``Protocol.events`` and
``Protocol.writes``, and texts in the queue of ``recv()``; its own code can use and replace
them. Unfinished input stays where that code looks for it, so either code can take over from
the other after any read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._replacing import Peer, Seam
from ._library import is_own
from ._parsing import make_parse, make_receive_data
from ._receiving import make_aiter, make_data_received, make_recv
from ._sending import make_broadcast, make_send, make_send_binary, make_send_text, make_serialize


def _seam(module: str, name: str, make: Callable[[Any], Any], what: str) -> Seam:
    """Replace a name, unless it holds somebody's wrapper: that would not be called any more."""
    return Seam(module, name, lambda found: make(found) if is_own(found) else found, what)


_PROTOCOL, _FRAMES = "websockets.protocol", "websockets.frames"
_CONNECTION = "websockets.asyncio.connection"

PEER = Peer(
    "websockets",
    ("13.1", "18"),
    [
        _seam(_FRAMES, "Frame.serialize", make_serialize, "writes data frames in C"),
        _seam(_PROTOCOL, "Protocol.parse", make_parse, "parses frames in C, validates text"),
        _seam(_PROTOCOL, "Protocol.receive_data", make_receive_data, "hands over without a copy"),
        _seam(_PROTOCOL, "Protocol.send_text", make_send_text, "writes whole messages in C"),
        _seam(_PROTOCOL, "Protocol.send_binary", make_send_binary, "writes whole messages in C"),
        _seam(
            _CONNECTION,
            "Connection.data_received",
            make_data_received,
            "puts whole messages straight into the queue of recv()",
        ),
        _seam(_CONNECTION, "Connection.recv", make_recv, "takes whole messages out of it"),
        _seam(_CONNECTION, "Connection.__aiter__", make_aiter, "the same, without recv()"),
        _seam(_CONNECTION, "Connection.send", make_send, "writes whole messages in C, at once"),
        _seam(_CONNECTION, "broadcast", make_broadcast, "encodes a message once for all"),
        _seam("websockets.asyncio.server", "broadcast", make_broadcast, "the same function"),
    ],
    [
        ("websockets.frames.apply_mask", "already in C, and no longer called for whole frames"),
        (
            "websockets.legacy.protocol.WebSocketCommonProtocol",
            "deprecated by websockets",
        ),
    ],
)
