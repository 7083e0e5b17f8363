"""The handshake of permessage-deflate (RFC 7692 sections 5 and 7.1; RFC 6455 section 9.1).

Invariant: the headers of other libraries come from their own code.
"""

from __future__ import annotations

from typing import Any

import pytest
from websockets.exceptions import NegotiationError
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)
from websockets.headers import build_extension, parse_extension
from wsproto.extensions import PerMessageDeflate as WsprotoDeflate

from wsfast import Connection
from wsfast._extension_header import parse
from wsfast.deflate import Deflate, DeflateParameters, PerMessageDeflate

CLIENT = "permessage-deflate; client_max_window_bits"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", []),
        (" , ,", []),
        ("foo", [("foo", [])]),
        ("foo, bar; baz=2", [("foo", []), ("bar", [("baz", "2")])]),  # RFC 6455 section 9.1
        ('foo;bar="2";\tbaz', [("foo", [("bar", "2"), ("baz", None)])]),
        ('foo; bar="a\\bc"', [("foo", [("bar", "abc")])]),
        ("a ; b = c , d", [("a", [("b", "c")]), ("d", [])]),
    ],
)
def test_the_header_is_parsed(header: str, found: list[Any]) -> None:
    assert parse(header) == found


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("foo bar", "',' or ';' expected at character 4"),
        ("foo;", "a parameter expected at character 4"),
        ("foo; bar=", "a value expected at character 9"),
        ('foo; bar="a b"', "the quoted value 'a b' is not a token at character 9"),
        ('foo; bar="a', "a value expected"),
        ("=", "an extension expected at character 0"),
        ("é", "an extension expected"),
    ],
)
def test_a_header_that_is_none(header: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse(header)


@pytest.mark.parametrize("header", [None, b"permessage-deflate"])
def test_a_header_is_text(header: Any) -> None:
    with pytest.raises(TypeError, match="header must be a str, not"):
        parse(header)


@pytest.mark.parametrize(
    ("options", "offer"),
    [
        ({}, CLIENT),
        (
            {"server_no_context_takeover": True, "client_no_context_takeover": True},
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
            "client_max_window_bits",
        ),
        (
            {"server_max_window_bits": 10, "client_max_window_bits": 12},
            "permessage-deflate; server_max_window_bits=10; client_max_window_bits=12",
        ),
    ],
)
def test_what_a_client_offers(options: dict[str, Any], offer: str) -> None:
    assert PerMessageDeflate("client", **options).offer() == offer


# (what the server wants, the offer, its answer or None, what is agreed)
ANSWERS: list[tuple[dict[str, Any], str, str | None, tuple[Any, ...]]] = [
    ({}, "permessage-deflate", "permessage-deflate", (False, False, 15, 15)),
    ({}, CLIENT, "permessage-deflate", (False, False, 15, 15)),
    ({}, "x-webkit-deflate-frame, " + CLIENT, "permessage-deflate", (False, False, 15, 15)),
    (
        {},
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        (True, True, 15, 15),
    ),
    (
        {},
        "permessage-deflate; server_max_window_bits=8; client_max_window_bits=9",
        "permessage-deflate; server_max_window_bits=8; client_max_window_bits=9",
        (False, False, 8, 9),
    ),
    (
        {},
        "permessage-deflate; server_max_window_bits=15",
        "permessage-deflate; server_max_window_bits=15",
        (False, False, 15, 15),
    ),
    (
        {"server_max_window_bits": 11, "client_max_window_bits": 12},
        CLIENT,
        "permessage-deflate; server_max_window_bits=11; client_max_window_bits=12",
        (False, False, 11, 12),
    ),
    # What the client did not offer it need not understand (section 7.1.2.2).
    (
        {"client_max_window_bits": 12},
        "permessage-deflate",
        "permessage-deflate",
        (False, False, 15, 15),
    ),
    # The first offer can't be taken, the second can (section 5.2).
    (
        {},
        "permessage-deflate; server_max_window_bits=7, permessage-deflate",
        "permessage-deflate",
        (False, False, 15, 15),
    ),
    ({}, "", None, ()),
    ({}, "foo", None, ()),
    ({}, "permessage-deflate; unknown", None, ()),
    ({}, "permessage-deflate; server_max_window_bits", None, ()),
    ({}, "permessage-deflate; server_max_window_bits=08", None, ()),
    ({}, "permessage-deflate; server_max_window_bits=16", None, ()),
    ({}, "permessage-deflate; client_max_window_bits=7", None, ()),
    ({}, "permessage-deflate; server_no_context_takeover=1", None, ()),
    ({}, "permessage-deflate; client_max_window_bits; client_max_window_bits=9", None, ()),
]


@pytest.mark.parametrize(("wants", "offer", "answer", "agreed"), ANSWERS)
def test_what_a_server_answers(
    wants: dict[str, Any], offer: str, answer: str | None, agreed: tuple[Any, ...]
) -> None:
    got = PerMessageDeflate("server", **wants).respond(offer)
    if answer is None:
        assert got is None
    else:
        assert got is not None
        assert got[0] == answer
        assert got[1].parameters == DeflateParameters(*agreed)
        assert got[1].role == "server"


def test_each_end_has_its_own_part() -> None:
    client, server = PerMessageDeflate("client"), PerMessageDeflate("server")
    for call, said in (
        (server.offer, r"offer\(\) is for the client's end, but role is 'server'"),
        (lambda: server.accept(""), r"accept\(\) is for the client's end, but role is 'server'"),
        (lambda: client.respond(""), r"respond\(\) is for the server's end, but role is 'client'"),
    ):
        with pytest.raises(ValueError, match=said):
            call()


def test_an_ill_formed_offer_is_said_to_be_so() -> None:
    with pytest.raises(ValueError, match="a parameter expected at character 19"):
        PerMessageDeflate("server").respond("permessage-deflate;")


@pytest.mark.parametrize(
    ("options", "answer", "agreed"),
    [
        ({}, "permessage-deflate", (False, False, 15, 15)),
        ({}, "permessage-deflate; client_max_window_bits=9", (False, False, 15, 9)),
        ({}, "permessage-deflate; server_max_window_bits=9", (False, False, 9, 15)),
        ({}, "permessage-deflate; server_no_context_takeover", (True, False, 15, 15)),
        ({}, "permessage-deflate; client_no_context_takeover", (False, True, 15, 15)),
        ({"client_max_window_bits": 10}, "permessage-deflate", (False, False, 15, 10)),
        ({"client_no_context_takeover": True}, "permessage-deflate", (False, True, 15, 15)),
    ],
)
def test_an_answer_that_a_client_takes(
    options: dict[str, Any], answer: str, agreed: tuple[Any, ...]
) -> None:
    deflate = PerMessageDeflate("client", **options).accept(answer)
    assert deflate is not None
    assert deflate.parameters == DeflateParameters(*agreed)
    assert deflate.role == "client"


@pytest.mark.parametrize("answer", [None, "", " "])
def test_a_server_that_declines(answer: str | None) -> None:
    assert PerMessageDeflate("client").accept(answer) is None


@pytest.mark.parametrize(
    ("options", "answer", "said"),
    [
        ({}, "foo", "an extension that was not offered: foo"),
        ({}, "permessage-deflate, foo", "an extension that was not offered: foo"),
        ({}, "permessage-deflate, permessage-deflate", "was not offered: permessage-deflate"),
        ({}, "permessage-deflate; foo", "has no parameter 'foo'"),
        ({}, "permessage-deflate; client_max_window_bits", "must be from 8 to 15"),
        ({}, "permessage-deflate; server_max_window_bits=16", "must be from 8 to 15"),
        (
            {"server_no_context_takeover": True},
            "permessage-deflate",
            "did not agree on server_no_context_takeover",
        ),
        ({"server_max_window_bits": 9}, "permessage-deflate", "did not agree on server_max"),
        (
            {"server_max_window_bits": 9},
            "permessage-deflate; server_max_window_bits=10",
            "chose server_max_window_bits=10, but 9 was offered",
        ),
        (
            {"client_max_window_bits": 9},
            "permessage-deflate; client_max_window_bits=10",
            "chose client_max_window_bits=10, but 9 was offered",
        ),
    ],
)
def test_an_answer_that_is_none(options: dict[str, Any], answer: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        PerMessageDeflate("client", **options).accept(answer)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("peer",), "role must be 'server' or 'client', not 'peer'"),
        (("server", {"engine": "brotli"}), "engine must be one of 'zlib', 'isal', 'zlib-ng'"),
        (("server", {"server_max_window_bits": 7}), "must be from 8 to 15, not 7"),
        (("server", {"client_max_window_bits": 16}), "must be from 8 to 15, not 16"),
        (("server", {"level": 77}), "engine 'zlib' refuses level=77, mem_level=None"),
        (("server", {"mem_level": 2**40}), "refuses level=None, mem_level=1099511627776"),
        (("server", {"engine": ["zlib"]}), "engine must be one of 'zlib', 'isal', 'zlib-ng'"),
        (("server", {"threshold": -1}), "threshold must not be negative, but is -1"),
    ],
)
def test_wrong_arguments(arguments: tuple[Any, ...], said: str) -> None:
    role, *rest = arguments
    with pytest.raises(ValueError, match=said):
        PerMessageDeflate(role, **(rest[0] if rest else {}))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"level": "9"}, "level must be an integer or None, not str"),
        ({"mem_level": 1.5}, "mem_level must be an integer or None, not float"),
        ({"threshold": "32"}, "threshold must be an integer, not str"),
        ({"parameters": 15}, "parameters must be DeflateParameters or None, not int"),
    ],
)
def test_arguments_of_other_types(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        Deflate("server", **arguments)


def test_an_engine_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "isal", None)
    monkeypatch.delitem(sys.modules, "isal.isal_zlib", raising=False)
    with pytest.raises(
        ModuleNotFoundError, match=r"not installed: pip install 'wsfast\[deflate\]'"
    ):
        Deflate("server", engine="isal")


# Beside the peers, both ways.  (websockets' offer, ours)
OPTIONS: list[dict[str, Any]] = [
    {},
    {"server_no_context_takeover": True},
    {"client_no_context_takeover": True},
    {"server_max_window_bits": 9},
    {"client_max_window_bits": 9},
    {"server_max_window_bits": 12, "client_max_window_bits": 10},
]


def parameters_of(extension: Any, role: str) -> DeflateParameters:
    """Return what an extension of websockets agreed on."""
    mine = (extension.local_no_context_takeover, extension.local_max_window_bits)
    other = (extension.remote_no_context_takeover, extension.remote_max_window_bits)
    client, server = (mine, other) if role == "client" else (other, mine)
    return DeflateParameters(server[0], client[0], server[1], client[1])


@pytest.mark.parametrize("server", OPTIONS)
@pytest.mark.parametrize("client", OPTIONS)
def test_websockets_as_client_agrees_on_the_same(
    client: dict[str, Any], server: dict[str, Any]
) -> None:
    theirs = ClientPerMessageDeflateFactory(**{"client_max_window_bits": True, **client})
    offer = build_extension([("permessage-deflate", theirs.get_request_params())])
    got = PerMessageDeflate("server", **server).respond(offer)
    assert got is not None
    ((_, answer),) = parse_extension(got[0])
    assert parameters_of(theirs.process_response_params(answer, []), "client") == got[1].parameters


@pytest.mark.parametrize("server", OPTIONS)
@pytest.mark.parametrize("client", OPTIONS)
def test_websockets_as_server_agrees_on_the_same(
    client: dict[str, Any], server: dict[str, Any]
) -> None:
    ours = PerMessageDeflate("client", **client)
    ((_, offer),) = parse_extension(ours.offer())
    answer, extension = ServerPerMessageDeflateFactory(**server).process_request_params(offer, [])
    agreed = ours.accept(build_extension([("permessage-deflate", answer)]))
    assert agreed is not None
    assert agreed.parameters == parameters_of(extension, "server")


@pytest.mark.parametrize("client", OPTIONS)
def test_wsproto_as_server_agrees(client: dict[str, Any]) -> None:
    ours = PerMessageDeflate("client", **client)
    theirs = WsprotoDeflate()
    answer = theirs.accept(ours.offer())
    assert isinstance(answer, str)
    agreed = ours.accept(f"permessage-deflate; {answer}" if answer else "permessage-deflate")
    assert agreed is not None
    assert agreed.parameters.client_max_window_bits <= theirs.client_max_window_bits
    assert agreed.parameters.server_max_window_bits == theirs.server_max_window_bits


def test_websockets_refuses_what_we_refuse() -> None:
    """websockets as the oracle for answers that don't fit the offer."""
    theirs = ClientPerMessageDeflateFactory(server_no_context_takeover=True)
    with pytest.raises(NegotiationError):
        theirs.process_response_params([], [])


def test_by_default_what_is_shorter_than_32_bytes_is_sent_as_it_is() -> None:
    """As docs/peers/uvicorn.md says, with the sizes of a price tick on the wire."""
    ticks = [f'["AAPL",{212 + number / 100:.2f}]' for number in range(50)]
    assert {len(tick) for tick in ticks} == {15}
    parameters = DeflateParameters(server_max_window_bits=12)

    def sizes(texts: list[str], **options: int) -> list[int]:
        server = Connection("server", deflate=Deflate("server", parameters, **options))
        found = []
        for text in texts:
            server.send_text(text)
            found.append(len(server.data_to_send()))
        return found

    assert set(sizes(ticks)) == {17}
    first, *others = sizes(ticks, threshold=0)
    assert first == 19
    assert 6 <= min(others) <= max(others) <= 10
    assert sizes(["a" * 31]) == [33]
    assert sizes(["a" * 32])[0] < 12
