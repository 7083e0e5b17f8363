"""What programs write when a WebSocket ends: how each says the code, and what its offset means.

Wordings are those of the programs themselves, as run, or as their source has them; the tests
hold a line of each.

Invariant: this is the one place that knows them.  A pattern takes time linear in the line: no
repetition inside a repetition, and what is skipped has a bound.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple


class Counted(Enum):
    """What the offset in a line of a log counts."""

    SEQUENCE = (
        "the first byte of the invalid sequence, counted from the start of the message",
        "message",
    )
    OFFENDER = (
        "the byte that proved the text invalid, counted from the start of the message; the "
        "invalid sequence begins 0 to 3 bytes before it",
        "message",
    )
    PIECE = (
        "the first byte of the invalid sequence, counted from the start of what was decoded: "
        "this library decodes frame by frame, so in a fragmented message this is not the place "
        "in the message",
        "frame",
    )
    DECODED = (
        "the first byte of the invalid sequence, counted from the start of the bytes that "
        "were given to decode(): a message, if the program decodes whole messages",
        "decoded",
    )
    REASON = (
        "the first byte of the invalid sequence, counted from the start of the reason of a "
        "close frame, after the two bytes of the code",
        "close reason",
    )

    @property
    def meaning(self) -> str:
        """What the offset counts, as a sentence."""
        return self.value[0]

    @property
    def base(self) -> str:
        """What it is counted from, as a word."""
        return self.value[1]


class Wording(NamedTuple):
    """How one program says that a connection ended.

    ``code`` is what the line means where no group ``code`` of the pattern says it.  ``counted``
    overrides what an offset means that Python's codec gives.
    """

    program: str
    pattern: re.Pattern[str]
    code: int | None = None
    note: str = ""
    counted: Counted | None = None


class OffsetWording(NamedTuple):
    """How an offset is written, and what it counts there."""

    pattern: re.Pattern[str]
    counted: Counted


def _offset(pattern: str, counted: Counted) -> OffsetWording:
    return OffsetWording(re.compile(pattern, re.IGNORECASE), counted)


CODEC = "'utf-?8' codec can't decode bytes? (?:0x[0-9a-f]{2} )?in position "

OFFSETS = (
    _offset(r"invalid UTF-8 in the reason of a close frame, byte (\d{1,19})", Counted.REASON),
    _offset(r"invalid UTF-8 at byte (\d{1,19})", Counted.SEQUENCE),
    # websockets, and picows.websockets
    _offset(
        r"(?:invalid start byte|invalid continuation byte|unexpected end of data) "
        r"at position (\d{1,19})",
        Counted.SEQUENCE,
    ),
    _offset(r"payload octet index (\d{1,19})", Counted.OFFENDER),
    _offset(CODEC + r"(\d{1,19})", Counted.DECODED),
    # Rust's Utf8Error
    _offset(r"utf-8 (?:byte )?sequence (?:of \d bytes )?from index (\d{1,19})", Counted.DECODED),
)


def _wording(
    program: str,
    pattern: str,
    code: int | None = None,
    note: str = "",
    counted: Counted | None = None,
) -> Wording:
    return Wording(program, re.compile(pattern), code, note, counted)


_NO_CLOSE_FRAME = "No close frame came, so this end can't know more; look at the other end's log."
_UNSEEN = (
    "A proxy forwards bytes and does not see close codes. The end whose connection it cuts sees "
    "1006."
)
_UPGRADED = (
    "This line is about the opening handshake, which succeeded (101); it has no close code. "
    "Look in the log of the application."
)
_STREAMING = (
    "This is how recv() counts. recv_streaming() decodes fragment by fragment and counts from the "
    "start of the fragment."
)
_DROPPED = "The connection is dropped without a close frame: the other end sees 1006."

# The first that matches counts, so what is particular stands before what is general.
WORDINGS = (
    # wsfast
    _wording(
        "wsfast",
        r"invalid UTF-8 in the reason of a close frame|1007 invalid UTF-8 at byte \d",
        1007,
    ),
    # websockets: the two ends of the closing handshake, in the order in which they came
    _wording(
        "websockets",
        r"\b(?P<way>sent|received) (?P<code>\d{4}) \([a-z][^()]{0,60}\).{0,300}?; "
        r"(?:then (?:sent|received) \d{4}|no close frame (?:received|sent))",
        note=_STREAMING,
    ),
    _wording(
        "websockets",
        r"(?P<way>[<>]) CLOSE (?P<code>\d{4}) \([a-z][^()]{0,60}\)",
        note=_STREAMING,
    ),
    _wording("websockets", r"no close frame received or sent", 1006, _NO_CLOSE_FRAME),
    # uvicorn
    _wording(
        "uvicorn",
        r"Invalid UTF-8 sequence received from client",
        1007,
        "uvicorn's close frame has no reason; the traceback below this line has the offset.",
        Counted.SEQUENCE,
    ),
    _wording(
        "uvicorn",
        r"ASGI \[\d{1,9}\] Receive \{'type': 'websocket\.disconnect', 'code': "
        r"(?:<CloseReason\.\w{1,40}: )?(?P<code>\d{4})",
        note="This is what the application gets. 1005 may be a lost connection (1006) here.",
        counted=Counted.PIECE,
    ),
    # aiohttp
    _wording(
        "aiohttp",
        r"WebSocketError\((?:<WSCloseCode\.\w{1,40}: )?(?P<code>\d{4})\b|"
        r"(?:aiohttp\S{0,60}WebSocketError: |^)"
        r"Invalid UTF-8 text message",
        1007,
        "aiohttp gives no offset, and ws.close_code is 1006 afterwards although it sent 1007.",
    ),
    _wording("aiohttp", r"<WSMsgType\.CLOSE: 8>, data=(?P<code>\d{4})"),
    # wsproto and what is built on it: it decodes frame by frame
    _wording("trio-websocket", r"CloseReason<code=(?P<code>\d{4}), name=", counted=Counted.PIECE),
    _wording(
        "wsproto",
        r"CloseConnection\(code=(?:<CloseReason\.\w{1,40}: )?(?P<code>\d{4})",
        counted=Counted.PIECE,
    ),
    _wording(
        "httpx-ws",
        r"httpx_ws\S{0,40}WebSocketDisconnect: \((?:<CloseReason\.\w{1,40}: )?(?P<code>\d{4})",
        counted=Counted.PIECE,
    ),
    _wording("httpx-ws", r"httpx_ws\S{0,40}WebSocketNetworkError", 1006, _NO_CLOSE_FRAME),
    _wording(
        "simple-websocket",
        r"simple_websocket\S{0,40}ConnectionClosed: Connection closed: (?P<code>\d{4})",
        note="It reports 1005 for a lost connection (1006) too.",
        counted=Counted.PIECE,
    ),
    _wording(
        "starlette",
        r"WebSocketDisconnect: \((?:<CloseReason\.\w{1,40}: )?(?P<code>\d{4})",
        note="This is what the ASGI server told the application.",
        counted=Counted.DECODED,
    ),
    _wording(
        "picows",
        r"Initiate disconnect because of exception from WSListener.{0,80}" + CODEC,
        1007,
        "picows itself does not check text: your listener called get_payload_as_utf8_text(). "
        "The other end sees 1011 or no close frame.",
        Counted.PIECE,
    ),
    # autobahn
    _wording(
        "autobahn",
        r"failing WebSocket connection \(code=(?P<code>\d{4})\)",
        note="With failByDrop, the default, the other end sees 1006 and no close frame.",
    ),
    _wording(
        "autobahn",
        r"I dropped the WebSocket TCP connection: encountered invalid UTF-8|"
        r"encountered invalid UTF-8 while processing text message|"
        r"payload octet index \d",
        1007,
        "With failByDrop, the default, both onClose() and the other end see 1006.",
    ),
    _wording("autobahn", r"peer dropped the TCP connection without", 1006, _NO_CLOSE_FRAME),
    # other libraries for Python
    _wording(
        "tornado",
        r"tornado\.websocket\.WebSocketClosedError",
        1006,
        "Written after the connection was gone. on_close() has the code in self.close_code, which "
        "is None if no close frame came; tornado drops the connection on text that is not UTF-8.",
    ),
    _wording(
        "ws4py",
        r"(?:Error|Closing) message received \((?P<code>\d{4})\)",
        note="ws4py gives no offset.",
    ),
    _wording(
        "gevent-websocket",
        r"Failed to write closing frame -> closing socket",
        1006,
        "This library drops the code of every close frame, so a 1007 is not in its log.",
    ),
    _wording(
        "websocket-client",
        r"WebSocketPayloadException: cannot decode: |^cannot decode: b['\"]",
        1007,
        "Nothing is sent: the server sees 1006. The line holds the whole payload.",
    ),
    _wording(
        "websocket-client",
        r"Connection to remote host was lost|WebSocketConnectionClosedException",
        1006,
        _NO_CLOSE_FRAME,
    ),
    # JavaScript
    _wording(
        "ws",
        r"Invalid WebSocket frame: invalid UTF-8 sequence|WS_ERR_INVALID_UTF8",
        1007,
        "ws gives no offset, and the same error for the reason of a close frame.",
    ),
    _wording(
        "ws",
        r"Invalid WebSocket frame: invalid status code \d{1,5}|WS_ERR_INVALID_CLOSE_CODE",
        1002,
        "The close code in this line came from the remote and is one that must not be sent.",
    ),
    _wording("ws", r"Max payload size exceeded|WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", 1009),
    _wording("ws", r"Invalid WebSocket frame: |WS_ERR_(?:UNEXPECTED|EXPECTED)_", 1002),
    _wording(
        "websocket (node)",
        r"(?P<code>1007): Invalid UTF-8 Data Received",
        note="It gives no offset.",
    ),
    _wording("websocket (node)", r"1006: Connection dropped by remote peer", 1006, _NO_CLOSE_FRAME),
    _wording(
        "a Chromium browser",
        r"WebSocket connection to '[^']{1,2000}' failed: Could not decode a text frame as UTF-8",
        1007,
        "The page's onclose shows 1006, and the browser sends 1002 to the server.",
    ),
    _wording(
        "a Chromium browser",
        r"WebSocket connection to '[^']{1,2000}' failed",
        1006,
        "The browser hides the cause from the page on purpose; look in the server's log.",
    ),
    _wording(
        "faye-websocket",
        r"Could not decode a text frame as UTF-8",
        1007,
        "Chromium uses the same words in a HAR. There is no offset.",
    ),
    _wording(
        "Firefox",
        r"The connection to wss?://.{1,2000} was interrupted while the page was loading",
        1006,
        "Firefox refused what the server sent: text that is not UTF-8, or a frame that breaks the "
        "protocol. It hangs up without a close frame. Leaving the page writes no such line.",
    ),
    _wording(
        "Firefox",
        r"Firefox can.t establish a connection to the server at wss?://",
        1006,
        "The opening handshake failed, so the server may not have seen a WebSocket at all.",
    ),
    _wording(
        "a browser's onclose",
        r"(?P<quote>\\?[\"']?)code(?P=quote): ?(?P<code>\d{4}), ?"
        r"(?P=quote)reason(?P=quote): ?.{0,300}?, ?(?P=quote)wasClean(?P=quote)",
        note="Browsers and undici show 1006 for everything that failed without a close frame "
        "from the server, such as text that is not UTF-8.",
    ),
    # Go
    _wording("gorilla", r"websocket: close (?P<code>\d{4}) \("),
    _wording(
        "gorilla",
        r"websocket: invalid utf8 payload in close frame",
        1007,
        "The reason of a close frame; gorilla does not check text messages.",
    ),
    _wording("gorilla", r"websocket: bad close code \d{1,5}", 1002),
    # Java and .NET
    _wording(
        "java.net.http",
        r"FailWebSocketException: Invalid UTF-8 in frame|FailWebSocketException: Illegal close",
        1007,
        "There is no offset: 'Input length' below it is the length of the sequence.",
    ),
    _wording("java.net.http", r"FailWebSocketException: ", 1002),
    _wording("Spring", r"CloseStatus\[code=(?P<code>\d{4})"),
    _wording("Netty", r"CorruptedWebSocketFrameException: bytes are not UTF-8", 1007),
    _wording("Netty", r"CorruptedWebSocketFrameException", 1002),
    _wording(
        "Tomcat or Undertow",
        r"WebSocket text frame was received that could not be decoded to UTF-8",
        1007,
        "It gives no offset.",
    ),
    _wording(
        ".NET",
        r"remote party closed the WebSocket connection without completing the close handshake",
        1006,
        _NO_CLOSE_FRAME,
    ),
    # Rust
    _wording(
        "tungstenite",
        r"WebSocket protocol error: Connection reset without closing",
        1006,
        _NO_CLOSE_FRAME,
    ),
    _wording("tungstenite", r"WebSocket protocol error: ", 1002),
    _wording("tungstenite", r"^UTF-8 encoding error", 1007),
    # What stands between
    _wording(
        "Cloudflare",
        r"(?i)cloudflare websocket proxy restarting",
        1001,
        "Cloudflare restarts servers when it releases code; clients must reconnect.",
    ),
    _wording(
        "nginx",
        r"upstream timed out \(110: [^)]{1,40}\) while proxying upgraded connection",
        1006,
        "Nothing came from the server for proxy_read_timeout (60 s by default). " + _UNSEEN,
    ),
    _wording(
        "nginx",
        r"\(10\d: [^)]{1,40}\) while proxying upgraded connection",
        1006,
        "One end dropped the connection. " + _UNSEEN,
    ),
    _wording(
        "nginx",
        r"upstream (?:prematurely closed connection|timed out).{0,60}while reading response header",
        1006,
        "The application did not answer the opening handshake: the client gets a 502 or 504, and "
        "a browser shows 1006.",
    ),
    _wording(
        "HAProxy",
        r" 101 \d{1,19} \S{1,100} \S{1,100} [cs]D-",
        1006,
        "'timeout tunnel' (or 'timeout client', 'timeout server') ended it: nothing was sent for "
        "that long. " + _UNSEEN,
    ),
    _wording(
        "HAProxy",
        r" 101 \d{1,19} \S{1,100} \S{1,100} [CS]D-",
        1006,
        "C: the client dropped the connection; S: the server did. " + _UNSEEN,
    ),
    _wording(
        "HAProxy",
        r" 101 \d{1,19} \S{1,100} \S{1,100} --[-A-Z]{2} ",
        None,
        "Both ends closed their connections without an error; the code is in their logs.",
    ),
    _wording(
        "AWS ALB",
        r"^wss? \d{4}-\d\d-\d\dT\S{1,40} app/\S{1,200} .{0,200}? 101 101 ",
        None,
        "Written when the connection ended; ALB does not see close codes. If it lasted as long "
        "as the idle timeout (60 s by default) with nothing sent, ALB cut it and both ends see "
        "1006.",
    ),
    _wording(
        "hypercorn",
        r"\"GET \S{1,2000} 1\.1\" 101 ",
        None,
        _UPGRADED + " Hypercorn tells applications 1006 at the end of any connection.",
    ),
    _wording("aiohttp", r"aiohttp\.access.{0,300}?\" 101 ", None, _UPGRADED),
    _wording("tornado", r"tornado\.access\S{0,10}101 GET", None, _UPGRADED),
    _wording(
        "a server's or proxy's access log", r"\"GET \S{1,2000} HTTP/1\.1\" 101 ", None, _UPGRADED
    ),
    # Python's codec, in whatever program
    _wording("Python", CODEC + r"\d", 1007, "Raised by bytes.decode()."),
    _wording(
        "Rust",
        r"utf-8 (?:byte )?sequence (?:of \d bytes )?from index \d",
        1007,
    ),
)

# A code that some program says by words that are not in the table above.
GENERAL = (
    re.compile(
        r"(?i)\b(?:close[ _-]?code|closecode|close[ _-]?status|status[ _-]?code|code|status)\b"
        r"[\"']?[ =:(]{1,4}[\"']?(?P<code>\d{4})\b"
    ),
    re.compile(r"(?i)\bclos(?:e|ed|ing)\b[^0-9\n]{0,40}?\b(?P<code>\d{4})\b"),
    re.compile(r"\b(?P<code>1\d{3}) ?[:(/] ?(?=[A-Za-z])"),
)
