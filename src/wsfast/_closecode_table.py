"""The table of close codes: what each means, who may send it, and what to do about it.

RFC 6455 section 7.4 and the IANA registry "WebSocket Close Code Number".

Invariant: this is the one place that says these things; whatever judges, sends or explains
a code reads ``TABLE`` and ``RANGES`` (by way of ``closecodes``).  A code that is in neither
is no close code; no two ranges overlap.
"""

from __future__ import annotations

from ._record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    _Sender = Literal["client", "server", "both", "never"]
    _Reconnect = Literal["yes", "later", "no"]


class CloseCodeInfo(Record):
    """Explain a close code.

    Attributes:
        code: the code asked for.
        name: its name in the IANA registry, or what its range is for.
        first, last: the range that the explanation is about; both ``code`` if it is
            about this one code.
        sender: who may send it: ``"client"``, ``"server"``, ``"both"``, or ``"never"`` if
            no close frame may carry it.
        reconnect: ``"yes"``, ``"later"`` (yes, after a long pause) or ``"no"``.
        about: what it says something about.
        fault: whose doing it is.
        meaning: what it says.
        seen: when you see it.
        fix: what to do.
        use: when to send it.
        reconnecting: whether and how to come back.
        source: where that is written.
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
_NOT_TO_SEND = "Never: it reports what happened and is not for a close frame."

_CODES = (
    _one(
        *(1000, "Normal Closure", "both", "no"),
        about="the purpose of the connection",
        fault="nobody's: all went as intended",
        meaning="The purpose for which the connection was opened is fulfilled.",
        seen="An application called close() when it was done, on either side.",
        fix="Nothing. If it came unexpectedly, look for the call of close() that came too early.",
        use="When you are done and the other side need not come back.",
        reconnecting="No: it was closed on purpose. Connect again when there is something to do.",
    ),
    _one(
        *(1001, "Going Away", "both", "yes"),
        about="the lifetime of an endpoint, not the data",
        fault="nobody's: an endpoint left while the connection was sound",
        meaning="An endpoint is going away: a server shuts down, or a browser leaves the page.",
        seen="Server stopped, redeployed, scaled down; proxy drained or restarted; browser left "
        "the page. A client sees it from the server or a proxy in between; a server sees it when "
        "the user closed the tab, reloaded or followed a link.",
        fix="Client: reconnect with growing, random delays and resume the session. Ask for what "
        "was missed since the last message seen; nothing is wrong with the messages. Server: on "
        "shutdown send 1001 to every client and wait for the answers; when clients leave, clean "
        "up and do not log it as an error. If it comes often, compare with deployments, "
        "autoscaling and the idle timeout of proxies, and send pings more often than that.",
        use="When your process stops or moves while connections are open and healthy.",
        reconnecting="Yes, at once but spread out: exponential backoff with jitter. All clients "
        "of a stopped server come back together.",
    ),
    _one(
        *(1002, "Protocol error", "both", "no"),
        about="the framing of the bytes",
        fault="the sender of the frame, or whatever changed the stream between",
        meaning="A frame broke the protocol: opcode, reserved bits, masking, length or sequence.",
        seen="A library with a fault in its framing; a compressed frame (RSV1) where no "
        "compression was negotiated; a proxy that writes into the stream; two threads that "
        "write frames into each other. Chromium sends it, and not 1007, for invalid UTF-8.",
        fix="Capture the stream and run `wsfast frames` on it: the first frame it refuses is the "
        "fault. Then update or replace what wrote that frame.",
        use="When a frame breaks RFC 6455 and no other code says it better.",
        reconnecting="No: the same software would send the same frame again.",
    ),
    _one(
        *(1003, "Unsupported Data", "both", "no"),
        about="the type of a message",
        fault="the sender of the message",
        meaning="The endpoint can't accept this type of data, such as binary where text is due.",
        seen="A binary message to an endpoint that takes text only, or the reverse.",
        fix="Send the type that the endpoint takes: text frames for JSON, binary for the rest.",
        use="When the type of a message is not one that you serve, though it is well-formed.",
        reconnecting="No: the same message would be refused again.",
    ),
    _one(
        *(1004, "Reserved", "never", "no"),
        about="nothing yet",
        fault="the sender of the code",
        meaning="Reserved; a meaning may be defined in the future.",
        seen="Only from software that makes up its codes.",
        fix="Make the sender use a code that has a meaning; 4000 to 4999 are free to choose.",
        use="Never: it has no meaning.",
        reconnecting="No: it says nothing that a second attempt would change.",
    ),
    _one(
        *(1005, "No Status Rcvd", "never", "no"),
        about="a close frame that says nothing",
        fault="nobody's: a close frame need not have a code",
        meaning="The close frame that came had no code.",
        seen="The other side called close() without a code, as browsers do by default; or its "
        "library drops the code (gevent-websocket does, even for faults).",
        fix="If you must know why, have the other side give a code: close(1000) or another.",
        use=_NOT_TO_SEND + " Sending a close frame without a code makes the other side see it.",
        reconnecting="No: the other side closed in good order.",
    ),
    _one(
        *(1006, "Abnormal Closure", "never", "yes"),
        about="the transport: there was no close frame",
        fault="the network, a proxy, or an endpoint that died or hung up",
        meaning="The connection ended without a close frame.",
        seen="The process was killed, the network was lost, a proxy ended an idle connection, "
        "the opening handshake failed (in browsers), or a library dropped the connection "
        "instead of saying 1002 or 1007 (tornado, autobahn and hosts of wsproto do for "
        "invalid UTF-8).",
        fix="Look at the other side's log first: it may know the cause. Then at the proxies' "
        "timeouts; keep idle connections alive with pings. If it follows the same message each "
        "time, check that message with `wsfast check`.",
        use=_NOT_TO_SEND,
        reconnecting="Yes, with exponential backoff and jitter; give up after some attempts if "
        "it comes back each time right after the same message.",
    ),
    _one(
        *(1007, "Invalid frame payload data", "both", "no"),
        about="the bytes of one message, not the endpoints",
        fault="the sender of the message: its bytes don't fit its type",
        meaning="A message held data that does not fit its type: a text message, or the reason of "
        "a close frame, that is not UTF-8.",
        seen="Binary data (an image, gzip, protobuf) sent as text; text in Latin-1, Windows-1252 "
        "or UTF-16; a string cut inside a character; lone surrogates; a payload that was not "
        "unmasked, or is still compressed.",
        fix="Find the byte with `wsfast check`; encode text as UTF-8 and send bytes in binary "
        "frames. wsfast.InvalidUTF8 gives the offset and the cause, wsfast.diagnose() the likely "
        "origin. Sender: cut text by characters, or let the library make the fragments. "
        "Receiver: the close is right; log the offset, not the payload.",
        use="When a text message is not UTF-8. Give the offset in the reason.",
        reconnecting="No: the same message would be refused again. Repair the sender first; then "
        "connect without sending that message.",
        source="RFC 6455 sections 7.4.1 and 8.1",
    ),
    _one(
        *(1008, "Policy Violation", "both", "no"),
        about="the rules of an endpoint",
        fault="the sender of the message, by the receiver's rules",
        meaning="A message broke a policy of the endpoint; the generic refusal.",
        seen="Missing or expired authentication, a forbidden origin, a rate limit, a message "
        "that the application's schema refuses.",
        fix="Read the reason and the server's log; renew the token, ask less often, or send what "
        "the application expects.",
        use="When you refuse for a reason of your own and 1003 or 1009 does not say it.",
        reconnecting="No, not with the same credentials and messages.",
    ),
    _one(
        *(1009, "Message Too Big", "both", "no"),
        about="the size of a message",
        fault="the sender of the message, by the receiver's limit",
        meaning="A message was larger than the endpoint takes.",
        seen="A message over the receiver's limit: 1 MiB in websockets, 4 MiB in aiohttp, "
        "10 MiB in tornado, unless configured.",
        fix="Send it in parts (messages, for fragments count as one), or raise the receiver's "
        "limit: max_size, max_msg_size, max_message_size.",
        use="When a message exceeds your limit, as soon as a header announces it.",
        reconnecting="No: the same message would be refused again.",
    ),
    _one(
        *(1010, "Mandatory Ext.", "client", "no"),
        about="the opening handshake",
        fault="the server, which lacks what the client needs",
        meaning="The client needs an extension that the server did not accept.",
        seen="The server, or a proxy that drops Sec-WebSocket-Extensions, did not negotiate it.",
        fix="Enable the extension on the server, or make the client do without.",
        use="On a client that can't work without an extension. A server fails the handshake.",
        reconnecting="No: the same server would answer the same.",
    ),
    _one(
        *(1011, "Internal Error", "both", "later"),
        about="the code of an endpoint",
        fault="the endpoint that sends it, usually a server",
        meaning="An unexpected condition kept the endpoint from going on.",
        seen="An exception in the application that nobody caught; a keepalive ping that was not "
        "answered (websockets).",
        fix="Read the log of the endpoint that sent it. If it follows the same message each "
        "time, that message meets a fault in the application.",
        use="When your own code failed. Log the cause; keep it out of the reason.",
        reconnecting="Later, with backoff and a limit of attempts: the fault may be passing, or "
        "come again with the same message.",
    ),
    _one(
        *(1012, "Service Restart", "server", "yes"),
        about="the lifetime of the server, not the data",
        fault="nobody's: the server restarts",
        meaning="The server restarts and will be back.",
        seen="A deployment or a restart of the server (uvicorn sends it on shutdown).",
        fix="As for 1001: reconnect and resume.",
        use="On a server that restarts and expects its clients back.",
        reconnecting="Yes, spread out: the registration suggests a random delay of 5 to 30 s.",
        source=_REGISTRY,
    ),
    _one(
        *(1013, "Try Again Later", "server", "later"),
        about="the load of the server",
        fault="nobody's: the server is overloaded",
        meaning="The server can't serve now, but may later.",
        seen="An overloaded server, or one that limits its connections, sheds load.",
        fix="Client: wait, and ask less. Server: more capacity, or fewer connections.",
        use="On a server that must shed connections to stay alive.",
        reconnecting="Later: start from a long delay, for coming back at once adds to the load.",
        source=_REGISTRY,
    ),
    _one(
        *(1014, "Bad Gateway", "server", "yes"),
        about="what is behind a gateway",
        fault="the server behind the gateway or proxy",
        meaning="A gateway got an invalid response from the server behind it; as HTTP's 502.",
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
        seen="A certificate that expired, is for another name, or that the client can't verify.",
        fix="Try `openssl s_client -connect HOST:443`; repair the certificate or the trust store.",
        use=_NOT_TO_SEND,
        reconnecting="No: the same certificate would fail again.",
    ),
    _one(
        *(3000, "Unauthorized", "both", "no"),
        about="who the client is",
        fault="the client, which is not authenticated",
        meaning="The endpoint must be authorized for this; as HTTP's 401.",
        seen="A token is missing or expired.",
        fix="Authenticate, then connect again.",
        use="When a request needs an authentication that is missing.",
        reconnecting="No, not before there are new credentials.",
        source=_REGISTRY,
    ),
    _one(
        *(3003, "Forbidden", "both", "no"),
        about="what the client may do",
        fault="the client, which lacks the right",
        meaning="The endpoint is known but not permitted to do this; as HTTP's 403.",
        seen="The account lacks the right that the request needs.",
        fix="Grant the right, or don't ask.",
        use="When an authenticated client asks for what it may not have.",
        reconnecting="No: the answer would be the same.",
        source=_REGISTRY,
    ),
    _one(
        *(3008, "Timeout", "both", "yes"),
        about="the pace of an endpoint",
        fault="the endpoint that was too slow, or the network",
        meaning="The endpoint took too long to respond; as HTTP's 408.",
        seen="A client that did not send what was due in time, such as its credentials.",
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
        else "Only from software that makes up its codes.",
        fix=fix,
        use=use,
        reconnecting="The application decides; should_reconnect() says no."
        if sender == "both"
        else "No: it says nothing that a second attempt would change.",
        source="RFC 6455 section 7.4.2",
    )


_FREE = "Never; 4000 to 4999 are free to choose."

RANGES = (
    _range(
        *(0, 999, "Not used", "never"),
        meaning="Codes below 1000 are not used.",
        fix="Make the sender use a code that may be sent. An HTTP status is not a close code.",
        use=_FREE,
    ),
    _range(
        *(1000, 2999, "Reserved for the protocol", "never"),
        meaning="Reserved for WebSocket itself, its extensions and future versions; this one is "
        "not registered.",
        fix="Make the sender use a code that may be sent, or update the receiver if the code "
        "was registered since.",
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
        meaning="For private use: client and server have agreed what it means.",
        fix="Look it up in the documentation of the service.",
        use="For what is particular to your application, if both sides know it.",
    ),
    _range(
        *(5000, 65535, "Not used", "never"),
        meaning="Codes above 4999 are not used.",
        fix="Make the sender use a code that may be sent.",
        use=_FREE,
    ),
)
