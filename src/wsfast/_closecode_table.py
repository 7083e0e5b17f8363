"""The table of close codes: what each means, who may send it, and what to do about it.

RFC 6455 section 7.4 and the IANA registry "WebSocket Close Code Number".

Invariant: this is the only place with these facts; all code that checks, sends or explains
a close code reads ``TABLE`` and ``RANGES`` (through ``closecodes``).  A code in neither is
not a close code; no two ranges overlap.
"""

from __future__ import annotations

from ._record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    _Sender = Literal["client", "server", "both", "never"]
    _Reconnect = Literal["yes", "later", "no"]


class CloseCodeInfo(Record):
    """An explanation of a close code.

    Attributes:
        code: the code asked for.
        name: its name in the IANA registry, or what its range is for.
        first, last: the range that the explanation is about; both are ``code`` if it is
            about this code alone.
        sender: who may send it: ``"client"``, ``"server"``, ``"both"``, or ``"never"`` if
            no close frame may carry it.
        reconnect: ``"yes"``, ``"later"`` (yes, after a long pause) or ``"no"``.
        about: what the code is about, such as the framing or one message.
        fault: who or what causes it.
        meaning: what it says.
        seen: when you see it.
        fix: what to do.
        use: when to send it.
        reconnecting: whether and how to reconnect.
        source: the standard that defines it.
    """

    __match_args__ = (
        "code",
        "name",
        "first",
        "last",
        "sender",
        "reconnect",
        "about",
        "fault",
        "meaning",
        "seen",
        "fix",
        "use",
        "reconnecting",
        "source",
    )
    __slots__ = __match_args__

    code: int
    name: str
    first: int
    last: int
    sender: _Sender
    reconnect: _Reconnect
    about: str
    fault: str
    meaning: str
    seen: str
    fix: str
    use: str
    reconnecting: str
    source: str

    def __init__(
        self,
        code: int,
        name: str,
        first: int,
        last: int,
        sender: _Sender,
        reconnect: _Reconnect,
        about: str,
        fault: str,
        meaning: str,
        seen: str,
        fix: str,
        use: str,
        reconnecting: str,
        source: str,
    ) -> None:
        values = (
            *(code, name, first, last, sender, reconnect, about),
            *(fault, meaning, seen, fix, use, reconnecting, source),
        )
        for field, value in zip(self.__match_args__, values, strict=True):
            object.__setattr__(self, field, value)

    @property
    def on_the_wire(self) -> bool:
        """Whether a close frame may carry the code."""
        return self.sender != "never"


def _one(
    code: int,
    name: str,
    sender: _Sender,
    reconnect: _Reconnect,
    about: str,
    fault: str,
    meaning: str,
    seen: str,
    fix: str,
    use: str,
    reconnecting: str,
    source: str = "RFC 6455 section 7.4.1",
) -> CloseCodeInfo:
    texts = (about, fault, meaning, seen, fix, use, reconnecting, source)
    return CloseCodeInfo(code, name, code, code, sender, reconnect, *texts)


_REGISTRY = "IANA WebSocket Close Code Number Registry"
_NOT_TO_SEND = "Never: a library reports it to its caller; no close frame may carry it."

_CODES = (
    _one(
        *(1000, "Normal Closure", "both", "no"),
        about="the purpose of the connection",
        fault="nobody: all went as intended",
        meaning="The connection has served its purpose and is closed normally.",
        seen="An application called close() when it was done, on either side.",
        fix="Nothing. If you did not expect it, look for a close() that was called too early.",
        use="When you are done and the other side need not come back.",
        reconnecting="No: it was closed on purpose. Connect again when there is something to do.",
    ),
    _one(
        *(1001, "Going Away", "both", "yes"),
        about="the lifetime of an endpoint, not the data",
        fault="nobody: an endpoint left, and nothing was wrong",
        meaning="An endpoint is going away: a server shuts down, or a browser leaves the page.",
        seen="Server stopped, redeployed, scaled down; proxy drained or restarted; browser left "
        "the page. A client gets it from the server or a proxy in between; a server gets it when "
        "the user closed the tab, reloaded or followed a link.",
        fix="Client: reconnect with growing, random delays and resume the session. Ask for the "
        "messages since the last one you saw; nothing is wrong with the messages. Server: on "
        "shutdown send 1001 to every client and wait for their close frames; when clients leave, "
        "clean up and don't log it as an error. If it comes often, compare the times with "
        "deployments, autoscaling and the proxies' idle timeouts, and ping more often than the "
        "shortest timeout.",
        use="When your process stops or moves while connections are open and healthy.",
        reconnecting="Yes, with exponential backoff and jitter. Without a random delay all "
        "clients of a stopped server come back together.",
    ),
    _one(
        *(1002, "Protocol error", "both", "no"),
        about="the framing of the bytes",
        fault="the sender of the frame, or something on the way that changed it",
        meaning="A frame broke the protocol: opcode, reserved bits, masking, length or sequence.",
        seen="A bug in a library's framing; a compressed frame (RSV1) where no compression was "
        "negotiated; a proxy that writes into the stream; two threads whose frames got mixed. "
        "Chromium sends 1002, not 1007, for invalid UTF-8.",
        fix="Capture the stream and run `wsfast frames` on it: the first frame that it rejects is "
        "the cause. Then update or replace what wrote that frame.",
        use="When a frame breaks RFC 6455 and no other code fits better.",
        reconnecting="No: the same software would send the same frame again.",
    ),
    _one(
        *(1003, "Unsupported Data", "both", "no"),
        about="the type of a message",
        fault="the sender of the message",
        meaning="The endpoint can't accept this type of data, such as binary instead of text.",
        seen="A binary message to an endpoint that takes text only, or the reverse.",
        fix="Send the type that the endpoint takes: text frames for JSON, binary for the rest.",
        use="When a message is valid, but of a type that you do not accept.",
        reconnecting="No: the same message would be refused again.",
    ),
    _one(
        *(1004, "Reserved", "never", "no"),
        about="nothing yet",
        fault="the sender of the code",
        meaning="Reserved; a meaning may be defined in the future.",
        seen="When software sends a code that is not valid.",
        fix="Have the sender use a code that has a meaning, such as one from 4000 to 4999.",
        use="Never: it has no meaning.",
        reconnecting="No: nothing suggests that a second attempt would go better.",
    ),
    _one(
        *(1005, "No Status Rcvd", "never", "no"),
        about="a close frame that says nothing",
        fault="nobody: a close frame needs no code",
        meaning="A close frame without a code arrived.",
        seen="The other side called close() without a code, as browsers do by default; or its "
        "library drops the code (gevent-websocket does, even after an error).",
        fix="If you need to know why, have the other side give a code, such as close(1000).",
        use=_NOT_TO_SEND + " The other side reports it when your close frame has no code.",
        reconnecting="No: the other side closed properly.",
    ),
    _one(
        *(1006, "Abnormal Closure", "never", "yes"),
        about="the transport: there was no close frame",
        fault="the network, a proxy, or an endpoint that died or hung up",
        meaning="The connection ended without a close frame.",
        seen="The process was killed, the network was lost, a proxy ended an idle connection, "
        "the opening handshake failed (in browsers), or a library dropped the connection "
        "instead of sending 1002 or 1007 (tornado, autobahn and servers on wsproto do this for "
        "invalid UTF-8).",
        fix="Look at the other side's log first: it may know the cause. Then look at the "
        "proxies' timeouts, and keep idle connections alive with pings. If it always follows the "
        "same message, check that message with `wsfast check`.",
        use=_NOT_TO_SEND,
        reconnecting="Yes, with exponential backoff and jitter; give up after some attempts if "
        "it always follows the same message.",
    ),
    _one(
        *(1007, "Invalid frame payload data", "both", "no"),
        about="the bytes of one message, not the endpoints",
        fault="the sender of the message: its bytes don't fit its type",
        meaning="The data of a message doesn't fit its type: a text message, or the reason of a "
        "close frame, is not UTF-8.",
        seen="Binary data (an image, gzip, protobuf) sent as text; text in Latin-1, Windows-1252 "
        "or UTF-16; a string cut inside a character; lone surrogates; a payload that was not "
        "unmasked, or is still compressed.",
        fix="Find the byte with `wsfast check`; encode text as UTF-8 and send bytes in binary "
        "frames. wsfast.InvalidUTF8 gives the offset and the cause, wsfast.diagnose() the likely "
        "origin. Sender: split text between characters, or let the library make the fragments. "
        "Receiver: closing was right; log the offset, not the payload.",
        use="When a text message is not UTF-8. Give the offset in the reason.",
        reconnecting="No: the same message would be refused again. Fix the sender first, or "
        "connect without sending that message.",
        source="RFC 6455 sections 7.4.1 and 8.1",
    ),
    _one(
        *(1008, "Policy Violation", "both", "no"),
        about="the rules of an endpoint",
        fault="the sender of the message, by the receiver's rules",
        meaning="A message broke a rule of the endpoint, and no other code fits.",
        seen="Missing or expired authentication, a forbidden origin, a rate limit, a message "
        "that the application's schema refuses.",
        fix="Read the reason and the server's log; renew the token, send less often, or send what "
        "the application expects.",
        use="When you refuse a message by your own rules, and neither 1003 nor 1009 fits.",
        reconnecting="No, not with the same credentials and messages.",
    ),
    _one(
        *(1009, "Message Too Big", "both", "no"),
        about="the size of a message",
        fault="the sender of the message, or too small a limit",
        meaning="A message was larger than the endpoint accepts.",
        seen="A message over the receiver's limit: 1 MiB in websockets, 4 MiB in aiohttp, "
        "10 MiB in tornado, unless configured.",
        fix="Split it into several messages (fragments don't help: they count together), or raise "
        "the receiver's limit: max_size, max_msg_size, max_message_size.",
        use="When a message exceeds your limit; send it as soon as a header announces the size.",
        reconnecting="No: the same message would be refused again.",
    ),
    _one(
        *(1010, "Mandatory Ext.", "client", "no"),
        about="the opening handshake",
        fault="the server, which lacks what the client needs",
        meaning="The client needs an extension that the server did not accept.",
        seen="The server, or a proxy that drops Sec-WebSocket-Extensions, did not negotiate it.",
        fix="Enable the extension on the server, or let the client work without it.",
        use="On a client that can't work without an extension. A server fails the handshake.",
        reconnecting="No: the server would answer the same.",
    ),
    _one(
        *(1011, "Internal Error", "both", "later"),
        about="the code of an endpoint",
        fault="the endpoint that sends it, usually a server",
        meaning="The endpoint met an unexpected error.",
        seen="An exception that the application did not catch; a keepalive ping that got no "
        "answer (websockets).",
        fix="Read the log of the endpoint that sent it. If it always follows the "
        "same message, that message triggers a bug in the application.",
        use="When your own code failed. Log the cause; keep it out of the reason.",
        reconnecting="Later, with backoff and a limit of attempts: the error may be temporary, or "
        "come back with the same message.",
    ),
    _one(
        *(1012, "Service Restart", "server", "yes"),
        about="the lifetime of the server, not the data",
        fault="nobody: the server restarts",
        meaning="The server restarts and will be back.",
        seen="A deployment or a restart of the server (uvicorn sends it on shutdown).",
        fix="As for 1001: reconnect and resume.",
        use="On a server that restarts and expects its clients back.",
        reconnecting="Yes, after a random delay: its entry in the registry suggests 5 to 30 s.",
        source=_REGISTRY,
    ),
    _one(
        *(1013, "Try Again Later", "server", "later"),
        about="the load of the server",
        fault="nobody: the server is overloaded",
        meaning="The server can't serve now, but may later.",
        seen="An overloaded server, or one that limits its connections, turns clients away.",
        fix="Client: wait, and send less. Server: add capacity, or accept fewer connections.",
        use="On a server that must shed connections to stay alive.",
        reconnecting="Later: start with a long delay. Coming back at once adds to the load.",
        source=_REGISTRY,
    ),
    _one(
        *(1014, "Bad Gateway", "server", "yes"),
        about="what is behind a gateway",
        fault="the server behind the gateway or proxy",
        meaning="A gateway got an invalid response from the server behind it (HTTP: 502).",
        seen="A proxy is up and the application behind it is down or starting.",
        fix="Look at the server behind the proxy.",
        use="On a gateway whose upstream fails.",
        reconnecting="Yes, with exponential backoff and jitter.",
        source=_REGISTRY,
    ),
    _one(
        *(1015, "TLS handshake", "never", "no"),
        about="the TLS connection below",
        fault="the certificate or the TLS settings of either side",
        meaning="The TLS handshake failed, so there never was a WebSocket connection.",
        seen="A certificate that has expired, is for another name, or can't be verified.",
        fix="Try `openssl s_client -connect HOST:443`; fix the certificate or the trust store.",
        use=_NOT_TO_SEND,
        reconnecting="No: the same certificate would fail again.",
    ),
    _one(
        *(3000, "Unauthorized", "both", "no"),
        about="who the client is",
        fault="the client, which is not authenticated",
        meaning="The client must be authorized for this (HTTP: 401).",
        seen="A token is missing or expired.",
        fix="Authenticate, then connect again.",
        use="When a request needs authentication that is missing.",
        reconnecting="No, not until you have new credentials.",
        source=_REGISTRY,
    ),
    _one(
        *(3003, "Forbidden", "both", "no"),
        about="what the client may do",
        fault="the client, which lacks a permission",
        meaning="The client is known, but not permitted to do this (HTTP: 403).",
        seen="The account lacks a permission that the request needs.",
        fix="Grant the permission, or don't make the request.",
        use="When an authenticated client asks for something that it may not have.",
        reconnecting="No: the answer would be the same.",
        source=_REGISTRY,
    ),
    _one(
        *(3008, "Timeout", "both", "yes"),
        about="the pace of an endpoint",
        fault="the endpoint that was too slow, or the network",
        meaning="The endpoint took too long to respond (HTTP: 408).",
        seen="A client did not send something in time, such as its credentials.",
        fix="Send it in time; look for what blocks the event loop.",
        use="When the other side misses a deadline of your application.",
        reconnecting="Yes, with exponential backoff and jitter.",
        source=_REGISTRY,
    ),
)

TABLE = {info.code: info for info in _CODES}


def _range(
    first: int, last: int, name: str, sender: _Sender, *, meaning: str, fix: str, use: str
) -> CloseCodeInfo:
    return CloseCodeInfo(
        *(first, name, first, last, sender, "no"),
        about="what the sender defined" if sender == "both" else "nothing that is defined",
        fault="not known from the code" if sender == "both" else "the sender of the code",
        meaning=meaning,
        seen="From software that defines it; see its documentation."
        if sender == "both"
        else "When software sends a code that is not valid.",
        fix=fix,
        use=use,
        reconnecting="The application decides; should_reconnect() says no."
        if sender == "both"
        else "No: nothing suggests that a second attempt would go better.",
        source="RFC 6455 section 7.4.2",
    )


_FREE = "Never. For codes of your own there are 4000 to 4999."

RANGES = (
    _range(
        *(0, 999, "Not used", "never"),
        meaning="Not a valid close code: the lowest is 1000.",
        fix="Have the sender use a valid code, such as one from 4000 to 4999. An HTTP status "
        "is not a close code.",
        use=_FREE,
    ),
    _range(
        *(1000, 2999, "Reserved for the protocol", "never"),
        meaning="Reserved for WebSocket itself, its extensions and future versions. This code is "
        "not registered.",
        fix="Have the sender use a valid code, such as one from 4000 to 4999; or update the "
        "receiver, if the code has been registered since.",
        use=_FREE,
    ),
    _range(
        *(3000, 3999, "Libraries and frameworks", "both"),
        meaning="For libraries, frameworks and applications that register the code with IANA.",
        fix="Look it up in the registry and in the documentation of the library that sent it.",
        use="If you wrote a library and registered the code.",
    ),
    _range(
        *(4000, 4999, "Private use", "both"),
        meaning="For private use: client and server agree on what it means.",
        fix="Look it up in the documentation of the service.",
        use="For codes of your own application, if both sides know them.",
    ),
    _range(
        *(5000, 65535, "Not used", "never"),
        meaning="Not a valid close code: the highest is 4999.",
        fix="Have the sender use a valid code, such as one from 4000 to 4999.",
        use=_FREE,
    ),
)
