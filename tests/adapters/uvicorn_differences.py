"""What our protocol does differently from uvicorn's ``websockets-sansio``, and why.

The documentation shows this list; ``test_uvicorn_table.py`` checks that it is complete, and
that everything on it still differs.
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
        "The reason of a violation says what was wrong, and is logged; websockets-sansio has "
        "other reasons, but none for text that is not UTF-8, which is the only violation that it "
        "logs",
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
        "If the application ends without `websocket.close`, the client gets a close frame: 1000 "
        "if it returned, 1011 if it raised or returned a value; with websockets-sansio the "
        "client sees 1006",
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
        "The application sees 1006 if the connection was lost, and 1011 if a ping was not "
        "answered; websockets-sansio says 1005 in both cases. After the end, `receive()` returns "
        "the same event again",
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
        "Whitespace around a header's name or value is stripped; websockets-sansio sends a name "
        "with its whitespace, which clients refuse",
        "headers",
        frozenset(
            {
                "accept with outer whitespace",
                "response with outer whitespace",
            }
        ),
    ),
    Difference(
        "A header that can't be sent raises another type of error, and the connection is not "
        "logged as accepted before that",
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
        "A `websocket.send` with neither `text` nor `bytes`, or with bytes as `text`, is a "
        "TypeError; websockets-sansio drops one that has neither",
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
        "Values that can't be sent raise other errors: ValueError or TypeError",
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
        "No error is logged after a complete response",
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
        "After an invalid or incomplete response the client still gets an answer, 500 if nothing "
        "was sent; websockets-sansio hangs up without one",
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
        "If a header of the response can't be sent, the client gets 500",
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
        "204 and 304 have no body, even if the application sends one",
        "body headers",
        frozenset(
            {
                "response 204 with a body",
                "response 304 with a body",
            }
        ),
    ),
    Difference(
        "A status below 200 is an error, and the client gets 500: such a status would not end "
        "the handshake",
        "application body headers log status",
        frozenset(
            {
                "response 100",
            }
        ),
    ),
    Difference(
        "A status below 200 is an error, and the client gets 500: such a status would not end "
        "the handshake",
        "application body frames headers log status",
        frozenset(
            {
                "response 101",
            }
        ),
    ),
    Difference(
        "A body that is longer or shorter than its Content-Length is an error",
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
        "A refused request is logged, and the text of the answer differs; the answer to HEAD has "
        "no body",
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
        "A version other than 13 is refused with 426, and the answer names 13",
        "status",
        frozenset({"request of version 8", "request without a version"}),
    ),
    Difference(
        "Empty items in the list of subprotocols are dropped",
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
    lines.append(
        f"| These requests are answered; `websockets-sansio` answers none of them: {hangs} | all |"
    )
    return "\n".join(lines)
