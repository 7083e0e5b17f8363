"""What accelerated libraries log for text that is not UTF-8: one line, whichever library it is.

Oracle: the bytes that are sent.  The ill-formed sequence begins at byte 3 of each text, and
at byte 5 of the close frame's payload, which begins with the code.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import pytest

from helpers import CLOSE, CONTINUATION, TEXT, need
from loopback import End, Peer
from wsfast.cli._logline import read

LINE = "1007 invalid UTF-8 at byte "
AGENT = b"Agent/1"

# program, library to accelerate, module it needs, whether it compresses
SERVERS = [
    ("websockets-asyncio", "websockets", "websockets", True),
    ("websockets-sync", "websockets", "websockets", True),
    ("aiohttp", "aiohttp", "aiohttp", True),
    ("tornado", "tornado", "tornado", True),
    ("autobahn", "autobahn", "autobahn", True),
    ("autobahn-twisted", "autobahn", "twisted.internet", True),
    ("gevent-websocket", "gevent-websocket", "geventwebsocket", False),
    ("ws4py", "ws4py", "ws4py", False),
    ("trio-websocket", "wsproto", "trio_websocket", False),
    ("uvicorn-wsproto", "wsproto", "uvicorn", True),
    ("uvicorn-wsfast", "", "uvicorn", True),
]
CLIENTS = [
    ("websocket-client", "websocket-client", "websocket", False),
    ("lomond", "lomond", "lomond", True),
]
HOSTED = {"trio-websocket", "uvicorn-wsproto"}  # wsproto doesn't know whom it talks with


class Agent(End):
    """Our end, which has a User-Agent."""

    def _extension(self) -> bytes:
        return super()._extension() + b"User-Agent: " + AGENT + b"\r\n"


def whole(end: End) -> None:
    end.say(TEXT, b"caf\xc3(")


def in_fragments(end: End) -> None:
    for part in (b"ca", b"f\xc3"):
        end.say(TEXT if part == b"ca" else CONTINUATION, part, fin=False)
    end.say(CONTINUATION, b"(")


def cut_short(end: End) -> None:
    end.say(TEXT, b"caf\xc3")


def compressed(end: End) -> None:
    end.say(TEXT, end.deflated(b"caf\xc3("), rsv1=True)


def in_close_reason(end: End) -> None:
    end.say(CLOSE, b"\x03\xe8caf\xc3(")


Fault = Callable[[End], None]
TEXTS = {whole: 3, in_fragments: 3, cut_short: 3}


def faults_of(name: str, deflates: bool) -> dict[Fault, int]:
    faults: dict[Fault, int] = dict(TEXTS)
    if deflates:
        faults[compressed] = 3
    # ws4py keeps nothing of the reason; wsproto's frames are judged one by one.
    if name != "ws4py" and name not in HOSTED:
        # aiohttp's error has the reason without the code, and looks like that for a text.
        faults[in_close_reason] = 3 if name == "aiohttp" else 5
    return faults


def commit(peer: Peer, fault: Fault) -> None:
    with peer.connected(fault is compressed, Agent) as end:
        fault(end)
        end.farewell()
    peer.told()


def lines_of(peer: Peer) -> list[str]:
    return [line for line in peer.written() if LINE in line]


def offset(line: str) -> int:
    found = re.search(LINE + r"(\d+)", line)
    assert found
    return int(found[1])


def check_read(line: str) -> None:
    """``wsfast explain`` finds in the line what is there."""
    found = read(line)
    assert found is not None
    assert (found.program, found.code, found.offset) == ("wsfast", 1007, offset(line))


@pytest.mark.skipif(sys.platform == "win32", reason="a socket is passed by its number")
@pytest.mark.parametrize(
    ("name", "library", "module", "deflates"), SERVERS, ids=[s[0] for s in SERVERS]
)
def test_a_server_logs_one_line(name: str, library: str, module: str, deflates: bool) -> None:
    need(module)
    faults = faults_of(name, deflates)
    peer = Peer(name, library)
    try:
        for fault in faults:
            commit(peer, fault)
        with peer.connected() as end:  # by now all is written
            end.say(TEXT, b"well")
            assert end.hear_message() == (TEXT, b"well")
        lines = lines_of(peer)
    finally:
        peer.close()
    assert [offset(line) for line in lines] == list(faults.values())
    for line in lines:
        check_read(line)
        assert f"library={library or 'uvicorn'} " in line
        assert ("client=127.0.0.1" in line) is (name not in HOSTED), line
        assert ('path="/"' in line) is (name not in HOSTED), line
        assert (f'user_agent="{AGENT.decode()}"' in line) is (name not in HOSTED), line


@pytest.mark.parametrize(
    ("name", "library", "module", "deflates"), CLIENTS, ids=[c[0] for c in CLIENTS]
)
def test_a_client_logs_one_line(name: str, library: str, module: str, deflates: bool) -> None:
    need(module)
    peer = Peer(name, library)
    try:
        for fault, where in faults_of(name, deflates).items():
            commit(peer, fault)
            (line,) = lines_of(peer)
            assert offset(line) == where
            check_read(line)
            assert f"library={library} " in line
    finally:
        peer.close()


# What these are shows in what follows the first byte that is wrong.
ORIGINS = {
    "LEGACY_CHARSET (cp1252)": "Grüße aus Köln und schöne Tage in München".encode("cp1252"),
    "LEGACY_CHARSET (cp1251)": "Привет из Москвы, как дела сегодня".encode("cp1251"),
    "PNG": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\x02\0\0\0",
    "LONE_SURROGATE": b"halb \xed\xa0\xbd und weiter",
}


@pytest.mark.skipif(sys.platform == "win32", reason="a socket is passed by its number")
@pytest.mark.parametrize("name", ["uvicorn-wsfast", "websockets-asyncio", "aiohttp"])
def test_the_line_has_the_origin_that_the_message_shows(name: str) -> None:
    library, module = next((lib, mod) for known, lib, mod, _ in SERVERS if known == name)
    need(module)
    peer = Peer(name, library)
    try:
        for message in ORIGINS.values():
            with peer.connected() as end:
                end.say(TEXT, b"before")
                end.say(TEXT, message)
                end.farewell()
        with peer.connected() as end:
            end.say(TEXT, b"well")
            while end.hear_message() != (TEXT, b"well"):
                pass
        lines = lines_of(peer)
    finally:
        peer.close()
    assert [re.findall(r"origin=(.*) confidence", line) for line in lines] == [
        [origin] for origin in ORIGINS
    ]
