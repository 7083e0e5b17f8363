"""What our protocol does otherwise than uvicorn's ``websockets-sansio``, and why.

The documentation shows this list; ``test_uvicorn_table.py`` finds that it is complete, and
that nothing is on it that does not differ any more.
"""

from __future__ import annotations

from typing import NamedTuple

# Requests that websockets-sansio neither answers nor hangs up on: an assertion fails in it.
HANGS = {
    "request with a body",
    "request with a header of 10,000 bytes",
    "request with a path of 9,000 bytes",
    "request with 150 headers",
    "http httptools, 100,000 bytes of headers",
    "h11_max_incomplete_event_size 100,000",
}


class Difference(NamedTuple):
    """What differs from websockets-sansio, and why; in which observations; of which scenarios."""

    why: str
    keys: str
    scenarios: frozenset[str]


DIFFERENCES = (
    Difference(
        "A violation's reason says what was wrong, also in the log; websockets-sansio "
        "has words of its own, none for text that is not UTF-8, and logs none but that",
        "application frames log",
        frozenset(
            {
                "text that is not UTF-8",
                "opcode 3",
                "no mask",
                "close code 1005 on the wire",
                "ws_max_size 10",
                "ws_max_size 0",
            }
        ),
    ),
    Difference(
        "An application that ends without `websocket.close` leaves a close frame: 1000 "
        "if it returned, 1011 if it raised or returned a value; with websockets-sansio "
        "the client sees 1006",
        "frames",
        frozenset(
            {
                "accept twice",
                "unknown type after accept",
                "send text",
                "send bytes",
                "send both",
                "send text and None",
                "send bytes and None",
                "send nothing",
                "send None",
                "send bytes as text",
                "send str as bytes",
                "send a number",
                "send a lone surrogate",
                "close with 1006",
                "close with 999",
                "close with a code of str",
                "close with a reason of 124 bytes",
                "raise after accept",
                "return after accept",
                "return a value",
            }
        ),
    ),
    Difference(
        "A connection that was lost is 1006 to the application, a ping that was not "
        "answered 1011; for both websockets-sansio says 1005. After the end, "
        "`receive()` returns the same event again",
        "application",
        frozenset(
            {
                "client hangs up",
                "receive after the end",
                "send after the client hung up",
                "ws_ping_timeout 0",
                "ws_ping_timeout 0.05",
            }
        ),
    ),
    Difference(
        "Outer whitespace of a header's name or value is stripped; websockets-sansio "
        "sends it in a name, which clients refuse",
        "headers",
        frozenset(
            {
                "accept with outer whitespace",
                "response with outer whitespace",
            }
        ),
    ),
    Difference(
        "A header that can't be sent has an error of its own type, and nothing is "
        "logged as accepted before it",
        "application log",
        frozenset(
            {
                "accept with a header that holds another",
                "accept with a str as a header",
            }
        ),
    ),
    Difference(
        "`headers` of `websocket.accept` may be None",
        "application body frames headers log status",
        frozenset(
            {
                "accept with fields that are None",
            }
        ),
    ),
    Difference(
        "A subprotocol must be a str; websockets-sansio sends the text `b'a'`",
        "application body frames headers log status",
        frozenset(
            {
                "accept with a subprotocol of bytes",
            }
        ),
    ),
    Difference(
        "A message to send that has neither `text` nor `bytes`, or has bytes as "
        "`text`, is a TypeError; websockets-sansio drops the first",
        "application log",
        frozenset(
            {
                "send nothing",
                "send None",
                "send bytes as text",
            }
        ),
    ),
    Difference(
        "Other errors for arguments that can't be sent: ValueError or TypeError",
        "application",
        frozenset(
            {
                "send str as bytes",
                "send a number",
                "close with a code of str",
                "response with a body of str",
                "response with a body of None",
            }
        ),
    ),
    Difference(
        "Closing with a code or a reason that can't be sent is a ValueError",
        "application log",
        frozenset(
            {
                "close with 1006",
                "close with 999",
                "close with a reason of 124 bytes",
            }
        ),
    ),
    Difference(
        "A close code of None is 1000, the default of ASGI",
        "application frames",
        frozenset(
            {
                "close with a code of None",
            }
        ),
    ),
    Difference(
        "After a complete response the log has no error about it",
        "log",
        frozenset(
            {
                "response",
                "response without headers",
                "server_header False, response",
                "headers, response",
                "response with outer whitespace",
                "response in pieces",
                "response 204 with a body",
                "response 304 with a body",
            }
        ),
    ),
    Difference(
        "A response of more than one piece is sent as it comes, chunked",
        "body headers",
        frozenset(
            {
                "response in pieces",
            }
        ),
    ),
    Difference(
        "An invalid or incomplete response still ends with an answer: 500 if nothing "
        "was sent; websockets-sansio hangs up without any",
        "body headers status",
        frozenset(
            {
                "response without a body",
                "response whose body has no end",
                "response with a body of str",
                "response with a body of None",
                "accept after the start of a response",
            }
        ),
    ),
    Difference(
        "A response with a header that can't be sent is answered with 500",
        "application body headers log status",
        frozenset(
            {
                "response with a header that holds another",
            }
        ),
    ),
    Difference(
        "`body` may be left out, as ASGI says",
        "application headers log status",
        frozenset(
            {
                "response whose message has no body",
            }
        ),
    ),
    Difference(
        "204 and 304 have no body, whatever the application gives",
        "body headers",
        frozenset(
            {
                "response 204 with a body",
                "response 304 with a body",
            }
        ),
    ),
    Difference(
        "A status below 200 is an error and 500: it would not end the handshake",
        "application body headers log status",
        frozenset(
            {
                "response 100",
            }
        ),
    ),
    Difference(
        "A status below 200 is an error and 500: it would not end the handshake",
        "application body frames headers log status",
        frozenset(
            {
                "response 101",
            }
        ),
    ),
    Difference(
        "A body that is not as long as its Content-Length says is an error",
        "application body log",
        frozenset(
            {
                "response longer than it says",
                "response shorter than it says",
            }
        ),
    ),
    Difference(
        "A message after the response is a RuntimeError; in websockets-sansio an assertion fails",
        "application log",
        frozenset(
            {
                "response after a response",
            }
        ),
    ),
    Difference(
        "A request that is refused is logged, and the answer has other words; to HEAD "
        "it has no body",
        "body headers log",
        frozenset(
            {
                "request with HEAD",
                "request with POST",
                "request of version 8",
                "request without a version",
                "request without a key",
                "request with a short key",
                "request with two keys",
                "request with a bad extension header",
            }
        ),
    ),
    Difference(
        "Another version than 13 is refused with 426, and the version that is spoken",
        "status",
        frozenset({"request of version 8", "request without a version"}),
    ),
    Difference(
        "A list of subprotocols has no empty ones",
        "application",
        frozenset(
            {
                "request with a subprotocol that is empty",
            }
        ),
    ),
    Difference(
        "Short messages are not compressed: see below",
        "frames",
        frozenset(
            {
                "ws_per_message_deflate True",
            }
        ),
    ),
)


def markdown() -> str:
    """Return the table of the documentation."""
    rows = {difference.why: difference.keys for difference in DIFFERENCES}
    lines = ["| what differs from `websockets-sansio` | seen in |", "|---|---|"]
    lines += [f"| {why} | {keys.replace(' ', ', ')} |" for why, keys in rows.items()]
    hangs = "; ".join(sorted(HANGS))
    lines.append(f"| These are answered; `websockets-sansio` does not: {hangs} | all |")
    return "\n".join(lines)
