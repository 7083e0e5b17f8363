"""``wsfast frames`` on HAR files: what browsers write, and what only looks like one.

Invariant: an error says where in the file it is, in words that need no knowledge of Python.
"""

from __future__ import annotations

import base64
import json

import pytest

pytest.importorskip("click")

from test_cli_captures import frames, parsed
from test_cli_foreign import refused


def har(*messages: object, **more: object) -> bytes:
    """Return a HAR with these messages; NaN and Infinity may be in it, as Python writes them."""
    entry = {"request": {"url": "wss://example.org/ws"}, "_webSocketMessages": messages, **more}
    return json.dumps({"log": {"version": "1.2", "entries": [entry]}}).encode()


def message(**members: object) -> dict[str, object]:
    return {"type": "receive", "time": 1, "opcode": 1, "data": "x", **members}


HAR_THAT_IS_NONE: dict[str, tuple[bytes, str]] = {
    "list": (b"[]", "it is a list, not an object"),
    "nested": (b"[" * 100_000, "nested too deeply"),
    "cut": (har(message(data="x" * 50))[:-30], "Unterminated string starting at line 1, column"),
    "no JSON": (b'{"log"', "Expecting ':' delimiter at line 1, column 7"),
    "Latin-1": (har(message(data="X")).replace(b"X", b"\xfc"), "is not UTF-8"),
    "long number": (b'{"log":{"entries":[' + b"9" * 5000 + b"]}}", "a number in it is too long"),
    "no log": (b'{"logs":1}', "it has no 'log'"),
    "log": (b'{"log":"x"}', "log is a string, not an object"),
    "no entries": (b'{"log":{}}', "log has no 'entries'"),
    "entries": (b'{"log":{"entries":NaN}}', "log.entries is NaN, not a list"),
    "entry": (b'{"log":{"entries":[null]}}', "log.entries[0] is null, not an object"),
    "request": (har(message(), request=5), "log.entries[0].request is 5, not an object"),
    "no URL": (har(message(), request={}), "log.entries[0].request has no 'url'"),
    "URL": (har(message(), request={"url": None}), "request.url is null, not a string"),
    "messages": (har(_webSocketMessages={"a": 1}), "_webSocketMessages is an object, not a list"),
    "message": (har("abc"), "_webSocketMessages[0] is a string, not an object"),
    "no type": (har({"opcode": 1, "data": ""}), "_webSocketMessages[0] has no 'type'"),
    "no data": (har({"type": "send", "opcode": 1}), "_webSocketMessages[0] has no 'data'"),
    "data": (har(message(data=[1])), "data is a list, not a string"),
    "no opcode": (har({"type": "send", "data": ""}), "opcode is missing, not a number"),
    **{
        f"opcode {said}": (har(message(opcode=value)), f"opcode is {said}, not a number")
        for value, said in (
            *((None, "null"), ("one", "a string"), (True, "true"), (1.5, "1.5"), (16, "16")),
            *((-1, "-1"), (float("inf"), "Infinity"), (float("nan"), "NaN"), ([], "a list")),
        )
    },
    "base64": (har(message(), message(opcode=2, data="%")), "_webSocketMessages[1] is not base64"),
    "base64 of no ASCII": (har(message(opcode=2, data="é")), "[0] is not base64"),
}


@pytest.mark.parametrize("name", HAR_THAT_IS_NONE)
def test_har_that_is_none_names_the_place(name: str) -> None:
    capture, why = HAR_THAT_IS_NONE[name]
    output = refused(capture, "--format", "har")
    assert output.startswith("Error: not a HAR file")
    assert why in output
    for word in ("codec", "int()", "float", "sys.", "KeyError", "NoneType", "dict", "argument"):
        assert word not in output


def test_har_with_binary_messages() -> None:
    raw = bytes(range(256))
    data = base64.b64encode(raw).decode()
    capture = har(
        message(opcode=2, data=data, type="send"),
        message(opcode=2.0, data=data),
        {"type": "receive", "opcode": 2, "payload": ""},
    )
    status, output = frames("--json", "--show-payload", stdin=capture)
    assert status == 0
    found = json.loads(output)["streams"][0]["messages"]
    assert [one["opcode"] for one in found] == ["binary"] * 3
    assert [one["payload"] for one in found] == [raw.hex(), raw.hex(), ""]
    assert [one["direction"] for one in found] == [
        "client to server",
        *["server to client"] * 2,
    ]


def test_har_messages_of_both_directions() -> None:
    capture = har(
        {"type": "send", "time": 1.5, "opcode": 1, "data": "Grüße"},
        {"type": "receive", "time": 1.6, "opcode": 2, "data": base64.b64encode(b"\0\xff").decode()},
    )
    log = json.loads(capture)
    log["log"]["entries"].insert(0, {"request": {}})  # of something else
    capture = json.dumps(log).encode()
    status, (part,) = parsed(stdin=capture)
    assert status == 0
    assert part["url"] == "wss://example.org/ws"
    assert [(m["direction"], m["opcode"], m["length"]) for m in part["messages"]] == [
        ("client to server", "text", 7),
        ("server to client", "binary", 2),
    ]
    assert "Grüße" not in frames(stdin=capture)[1]
    assert "Grüße" in frames("--show-payload", stdin=capture)[1]
    _, (part,) = parsed("--role", "client", stdin=capture)
    assert len(part["messages"]) == 1


def test_har_without_messages_says_how_to_export_them() -> None:
    status, output = frames("--format", "har", stdin=b'{"log": {"entries": []}}')
    assert status == 2
    assert output.startswith("Error: no WebSocket messages in this HAR file: export it")


def test_har_of_which_nothing_was_received_by_that_role() -> None:
    capture = har({"type": "send", "time": 1, "opcode": 1, "data": "to the server"})
    status, output = frames("--role", "client", stdin=capture)
    assert status == 2
    assert "nothing in this capture was received by a client" in output


def test_har_says_why_the_browser_hung_up() -> None:
    said = "Could not decode a text frame as UTF-8."
    capture = har({"type": "error", "time": 1, "opcode": -1, "data": said})
    status, output = frames(stdin=capture)
    assert status == 1
    assert "1007: the browser closed the connection" in output
    assert f"error {len(said):>11}  {said}" in output
    _, (part,) = parsed("--show-payload", stdin=capture)
    assert part["messages"][0]["error"] == said


def test_har_with_a_lone_surrogate() -> None:
    status, output = frames(
        stdin=har({"type": "send", "time": 1, "opcode": 1, "data": "half \ud83d"})
    )
    assert status == 1
    assert "lone surrogate" in output


# What a browser says.


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("Could not decode a text frame as UTF-8.", 1),
        ("Invalid UTF-8 in text frame", 1),
        ("Invalid frame header", 1),
        ("A server must not mask any frames that it sends to the client.", 1),
        ("Connection closed before receiving a handshake response", 2),
        ("something new", 2),
    ],
)
def test_har_with_an_error_of_the_browser(said: str, status: int) -> None:
    capture = har(
        {"type": "receive", "time": 1, "opcode": 1, "data": "fine"},
        {"type": "error", "time": 2, "opcode": -1, "data": said},
    )
    found, output = frames(stdin=capture)
    assert found == status
    assert said in output
    assert json.loads(frames("--json", stdin=capture)[1])["streams"][0]["valid"] is (
        False if status == 1 else None
    )


def test_har_with_the_trace_of_a_wrong_decoding() -> None:
    text = "Gr\ufffd\ufffde"
    capture = har({"type": "send", "time": 1, "opcode": 1, "data": text})
    status, output = frames(stdin=capture)
    assert status == 0
    assert "U+FFFD" in output
    assert "U+FFFD" in json.loads(frames("--json", stdin=capture)[1])["streams"][0]["notes"][0]
