"""Other libraries at the other end of a loopback socket, as clients and as servers.

Each conversation has random messages in random fragments: `WSFAST_WIRE_MESSAGES` says how
many (300), `WSFAST_WIRE_SEED` sets the seed; a failure prints the seed.

    WSFAST_WIRE_MESSAGES=3200 pytest tests/wire    # 10^5 messages in all
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random
from types import SimpleNamespace

import pytest

import node_peer
import wire_peers
from endpoint import Endpoint
from helpers import on_default_codecs
from traffic import messages

MESSAGES = int(os.environ.get("WSFAST_WIRE_MESSAGES", "300"))
SECONDS = 30 + MESSAGES / 20
ROLES = ["client", "server"]  # of ours


@pytest.fixture
def rng() -> Random:
    """Random numbers of a seed that is printed if the test fails."""
    seed = int(os.environ.get("WSFAST_WIRE_SEED") or Random().getrandbits(32))
    print(f"WSFAST_WIRE_SEED={seed} WSFAST_WIRE_MESSAGES={MESSAGES}")
    return Random(seed)


@pytest.fixture(params=wire_peers.names())
def peer(request: pytest.FixtureRequest) -> wire_peers.Peer:
    """Each library that is at the other end."""
    if request.param == "ws":
        node_peer.modules()
        return node_peer.WS
    found = wire_peers.PEERS[request.param]
    pytest.importorskip(found.needs)
    return found


@contextlib.asynccontextmanager
async def connected(
    codec: SimpleNamespace,
    role: str,
    peer: wire_peers.Peer,
    rng: Random,
    seen: wire_peers.Seen,
    compress: bool = False,
) -> AsyncIterator[Endpoint]:
    """Connect our end with the peer; at the end wait for the peer to be done."""
    async with contextlib.AsyncExitStack() as stack:
        if role == "client":
            port = await stack.enter_async_context(peer.serve(compress, rng, seen))
            streams = await asyncio.open_connection("127.0.0.1", port)
            client = None
        else:
            arrived: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
            arrived = asyncio.get_running_loop().create_future()
            listener = await asyncio.start_server(
                lambda *pair: arrived.set_result(pair), "127.0.0.1", 0
            )
            await stack.enter_async_context(listener)
            port = listener.sockets[0].getsockname()[1]
            client = asyncio.ensure_future(peer.connect(port, compress, rng, seen))
            streams = await arrived
        ping_inside = peer.takes_pings_inside or not compress
        stack.callback(streams[1].close)
        endpoint = Endpoint(codec, role, streams, rng, compress, ping_inside)
        await endpoint.shake_hands()
        yield endpoint
        await endpoint.hang_up()
        if client is not None:
            await client


def talk(
    codec: SimpleNamespace,
    role: str,
    peer: wire_peers.Peer,
    rng: Random,
    conversation: Callable[[Endpoint], Awaitable[None]],
    compress: bool = False,
) -> tuple[int, str]:
    """Hold a conversation; return the close code and the reason that the peer saw."""

    async def run() -> tuple[int, str]:
        async with asyncio.timeout(SECONDS):
            seen: wire_peers.Seen = asyncio.get_running_loop().create_future()
            async with connected(codec, role, peer, rng, seen, compress) as endpoint:
                await conversation(endpoint)
            return await seen

    return asyncio.run(run())


@on_default_codecs
@pytest.mark.parametrize("compress", [False, True], ids=["plain", "compressed"])
@pytest.mark.parametrize("role", ROLES)
def test_peer_sends_back_what_it_got(
    codec: SimpleNamespace, role: str, compress: bool, peer: wire_peers.Peer, rng: Random
) -> None:
    async def conversation(endpoint: Endpoint) -> None:
        await endpoint.converse(list(messages(rng, MESSAGES)))
        answer = await endpoint.close(3456, "größer 日本語")
        assert answer.code in (3456, 1000)  # what a peer answers is its own affair

    seen = talk(codec, role, peer, rng, conversation, compress)
    assert seen == (3456, "größer 日本語")


@on_default_codecs
@pytest.mark.parametrize("role", ROLES)
def test_peer_closes_and_its_code_and_reason_arrive(
    codec: SimpleNamespace, role: str, peer: wire_peers.Peer, rng: Random
) -> None:
    async def conversation(endpoint: Endpoint) -> None:
        await endpoint.send(wire_peers.CLOSE)
        close = await endpoint.closed()
        assert (close.code, close.reason) == (wire_peers.CODE, wire_peers.REASON)
        await endpoint.answer_close(close)

    code, _ = talk(codec, role, peer, rng, conversation)
    assert code == wire_peers.CODE


@on_default_codecs
@pytest.mark.parametrize("role", ROLES)
def test_peer_sends_ill_formed_text_and_learns_the_byte(
    codec: SimpleNamespace, role: str, peer: wire_peers.Peer, rng: Random
) -> None:
    if not peer.can_send_ill_formed:
        pytest.skip("the peer sends only well-formed text")

    async def conversation(endpoint: Endpoint) -> None:
        await endpoint.send(wire_peers.ILL_FORMED)
        violation = await endpoint.violation()
        assert (violation.close_code, violation.offset, violation.detected_at) == (1007, 3, 4)

    code, reason = talk(codec, role, peer, rng, conversation)
    assert code == 1007
    assert reason.startswith("invalid UTF-8 at byte 3: C3")


@on_default_codecs
@pytest.mark.parametrize("role", ROLES)
def test_peer_refuses_ill_formed_text_of_ours_with_1007(
    codec: SimpleNamespace, role: str, peer: wire_peers.Peer, rng: Random
) -> None:
    async def conversation(endpoint: Endpoint) -> None:
        await endpoint.send("", b"caf", b"\xc3", b"e")
        close = await endpoint.closed()
        assert close.code == 1007

    talk(codec, role, peer, rng, conversation)
