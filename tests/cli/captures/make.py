"""Record the captures in this folder, by real tools from real traffic on loopback.

    python tests/cli/captures/make.py           needs root, tcpdump, tshark, dumpcap, editcap,
                                            chromium, firefox, openssl, xxd, hexdump, od, ip
    python tests/cli/captures/make.py plain tls only these

The traffic is that of the client of websockets with a server of aiohttp, and of Chromium
with the same.  Runs in a network namespace of its own, so that nothing else is recorded.
What each capture holds stands in expected.json, written by hand.

Edited by editcap or tshark afterwards: middle.pcap (begins after the handshake), gap.pcap
(a packet is left out).  Chromium's HAR is what its DevTools protocol reports, put into the
structure that the Network panel exports: the panel itself can't be driven.  Firefox's is
what its Network panel exports (firefox.py): the handshake, without a message.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import re
import select
import shutil
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import firefox
from aiohttp import WSMsgType, web
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

HERE = Path(__file__).resolve().parent
TIMEOUT = 60.0  # seconds
PAGE_OF_SERVER = web.AppKey("page", bytes)
HAPPY = ("Grüße aus Köln", "x" * 200, "日本語のテキスト " * 40)


async def _echo(request: web.Request) -> web.StreamResponse:
    """Echo; send Latin-1 as text if asked for "latin-1", close with 1001 at "restart"."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        return web.Response(body=request.app[PAGE_OF_SERVER], content_type="text/html")
    socket = web.WebSocketResponse(compress=True)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
        elif message.type is not WSMsgType.TEXT:
            break
        elif message.data == "restart":
            await socket.close(code=1001, message=b"restarting")
        elif message.data == "latin-1":
            transport = request.transport
            assert transport is not None
            text = "Grüße aus Köln".encode("latin-1")
            transport.write(bytes([0x81, len(text)]) + text)
        else:
            await socket.send_str(message.data)
    return socket


@contextlib.asynccontextmanager
async def serving(
    host: str,
    context: ssl.SSLContext | None = None,
    page: bytes = b"<!doctype html><title>here</title>",
) -> Any:
    """Run the server; give its port."""
    application = web.Application()
    application[PAGE_OF_SERVER] = page
    application.router.add_get("/", _echo)
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, host, 0, ssl_context=context).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def happy(client: ClientConnection) -> None:
    """Texts, fragments with a ping, binary, and a restart of the server."""
    for text in HAPPY:
        await client.send(text)
        await client.recv()
    await client.send(["in ", "three ", "fragments 🙂"])
    await client.recv()
    await (await client.ping(b"are you there?"))
    await client.send(b"\x00\x01\x02\xff")
    await client.recv()
    await client.send("restart")
    await client.recv()


async def unhappy(client: ClientConnection) -> None:
    """A text in Latin-1, to the server."""
    await client.send("all is well so far")
    await client.recv()
    await client.send("Grüße aus Köln, schöne Tage".encode("latin-1"), text=True)
    await client.recv()


async def longer(client: ClientConnection) -> None:
    """Many messages, larger than a packet, for a network that loses some."""
    for number in range(12):
        await client.send(f"{number}: " + "Grüße aus Köln " * 100)
        await client.recv()
    await client.send("restart")
    await client.recv()


Talk = Callable[[ClientConnection], Any]


async def talk(
    what: Talk, host: str = "127.0.0.1", compression: str | None = None, times: int = 1
) -> None:
    """Have the two talk, on some connections at a time."""
    name = f"[{host}]" if ":" in host else host
    async with serving(host) as port, asyncio.timeout(TIMEOUT):

        async def one() -> None:
            url = f"ws://{name}:{port}/"
            async with connect(url, compression=compression) as client:  # type: ignore[arg-type]
                with contextlib.suppress(ConnectionClosed):
                    await what(client)

        await asyncio.gather(*(one() for _ in range(times)))


@contextlib.contextmanager
def recording(tool: str, name: str, *options: str) -> Iterator[Path]:
    """Record what happens meanwhile."""
    path = HERE / name
    path.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / name
        command = (
            ["tcpdump", "-U", "-w", str(out), *(options or ("-i", "lo")), "tcp"]
            if tool == "tcpdump"
            else ["dumpcap", "-q", "-w", str(out), *(options or ("-i", "lo")), "-f", "tcp"]
        )
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        time.sleep(2)
        try:
            yield path
            time.sleep(1)
        finally:
            process.terminate()
            process.wait(TIMEOUT)
        shutil.copyfile(out, path)


def run(*command: str, stdin: bytes | None = None) -> bytes:
    """Run a command and return its output."""
    return subprocess.run(command, input=stdin, capture_output=True, check=True).stdout


def make_plain() -> None:
    with recording("tcpdump", "plain.pcap") as path:
        asyncio.run(talk(happy))
    for form in ("ascii", "hex", "raw", "yaml"):
        followed = run("tshark", "-r", str(path), "-q", "-z", f"follow,tcp,{form},0")
        (HERE / f"plain-follow-{form}.txt").write_bytes(followed)
    for option in ("-X", "-XX", "-x", "-xx"):
        dumped = run("tcpdump", "-n", option, "-r", str(path))
        (HERE / f"plain-tcpdump{option}.txt").write_bytes(dumped)
    _dumps(path)
    # The connection from its middle on, and with a packet of payload left out.
    listed = run(
        "tshark", "-r", str(path), "-Y", "tcp.len > 0", "-T", "fields", "-e", "frame.number"
    )
    numbers = listed.decode().split()
    run(
        *("tshark", "-r", str(path), "-F", "pcap"),
        *("-Y", f"frame.number >= {numbers[3]}", "-w", str(HERE / "middle.pcap")),
    )
    run("editcap", "-F", "pcap", str(path), str(HERE / "gap.pcap"), numbers[6])


def _dumps(path: Path) -> None:
    """Write what the client sent in the forms of tools that dump bytes."""
    raw = run("tshark", "-r", str(path), "-q", "-z", "follow,tcp,raw,0").decode()
    lines = [line for line in raw.splitlines() if re.fullmatch("[0-9a-f]+", line)]
    sent = bytes.fromhex("".join(lines)).partition(b"\r\n\r\n")[2]
    (HERE / "plain-sent.bin").write_bytes(sent)
    name = str(HERE / "plain-sent.bin")
    for form, command in {
        "xxd": ("xxd",),
        "xxd-e": ("xxd", "-e", "-g2"),
        "xxd-i": ("xxd", "-i"),
        "xxd-p": ("xxd", "-p"),
        "hexdump": ("hexdump",),
        "hexdump-C": ("hexdump", "-C"),
        "od": ("od",),
        "od-x1z": ("od", "-A", "x", "-t", "x1z"),
        "od-x": ("od", "-x"),
        "od-x4": ("od", "-A", "d", "-t", "x4"),
        "base64": ("base64",),
    }.items():
        (HERE / f"plain-sent.{form}.txt").write_bytes(run(*command, name))


def make_compressed() -> None:
    with recording("dumpcap", "compressed.pcapng"):
        asyncio.run(talk(happy, compression="deflate"))


def make_unhappy() -> None:
    with recording("tcpdump", "unhappy.pcap"):
        asyncio.run(talk(unhappy))


def make_ipv6() -> None:
    with recording("dumpcap", "ipv6.pcapng"):
        asyncio.run(talk(happy, host="::1"))


def make_two() -> None:
    with recording("dumpcap", "two.pcapng"):
        asyncio.run(talk(happy, compression="deflate", times=2))


def make_cooked() -> None:
    for name, options in (("cooked1", ("-y", "LINUX_SLL")), ("cooked2", ("-y", "LINUX_SLL2"))):
        with recording("tcpdump", f"{name}.pcap", "-i", "any", *options):
            asyncio.run(talk(unhappy))


def make_lossy() -> None:
    """Through a network that loses, repeats and reorders packets: a TUN interface.

    Each packet comes back with its addresses exchanged, so that the server, at .1, takes
    the client, also at .1, for one at .2.  The capture has both views of the connection.
    """
    with _tunnel() as name, recording("tcpdump", "lossy.pcap", "-i", name):
        asyncio.run(_through_tunnel())


async def _through_tunnel() -> None:
    async with (
        serving("10.8.0.1") as port,
        asyncio.timeout(TIMEOUT),
        connect(f"ws://10.8.0.2:{port}/", compression=None) as client,
    ):
        with contextlib.suppress(ConnectionClosed):
            await longer(client)


@contextlib.contextmanager
def _tunnel() -> Iterator[str]:
    """Make a TUN interface, and a thread that is the network behind it."""
    tunnel = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tunnel, 0x400454CA, struct.pack("16sH", b"wsfast0", 0x1001))  # IFF_TUN, NO_PI
    run("ip", "addr", "add", "10.8.0.1/24", "dev", "wsfast0")
    run("ip", "link", "set", "wsfast0", "up")
    over = threading.Event()
    network = threading.Thread(target=_badly, args=(tunnel, over))
    network.start()
    try:
        yield "wsfast0"
    finally:
        over.set()
        network.join()
        os.close(tunnel)


def _badly(tunnel: int, over: threading.Event) -> None:
    """Hand on packets, but not all, some twice, and some late."""
    chance = Random(1)
    late: list[bytes] = []
    while not over.is_set():
        if not select.select([tunnel], [], [], 0.02)[0]:
            packets = []
        else:
            packet = os.read(tunnel, 65536)
            if packet[0] >> 4 != 4:
                continue
            back = packet[:12] + packet[16:20] + packet[12:16] + packet[20:]
            fate = chance.random() if len(packet) > 100 else 1.0
            packets = [] if fate < 0.15 else [back, back] if fate < 0.3 else [back]
            if fate > 0.8 and len(packet) > 100:
                late, packets = [*late, back], []
                continue
        for one in (*packets, *late):
            os.write(tunnel, one)
        late.clear()


def make_tls() -> None:
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = f"{folder}/key.pem", f"{folder}/certificate.pem"
        run(
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            key,
            "-out",
            certificate,
            "-subj",
            "/CN=localhost",
            "-days",
            "2",
        )
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(certificate, key)
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        (HERE / "tls-keys.log").unlink(missing_ok=True)
        client.keylog_filename = str(HERE / "tls-keys.log")

        async def over_tls() -> None:
            async with serving("127.0.0.1", server) as port, asyncio.timeout(TIMEOUT):
                url = f"wss://127.0.0.1:{port}/"
                async with connect(url, ssl=client) as connection:
                    with contextlib.suppress(ConnectionClosed):
                        await unhappy(connection)

        with recording("dumpcap", "tls.pcapng"):
            asyncio.run(over_tls())


def make_chromium() -> None:
    """What Chromium's DevTools protocol says of messages, and of a text that is none."""
    with recording("tcpdump", "chromium.pcap"):
        messages = asyncio.run(_chromium())
    entry = {
        "_resourceType": "websocket",
        "_webSocketMessages": messages,
        "request": {"method": "GET", "url": "ws://127.0.0.1/", "headers": []},
        "response": {"status": 101},
    }
    har = {"log": {"version": "1.2", "creator": {"name": "WebInspector"}, "entries": [entry]}}
    (HERE / "chromium.har").write_text(json.dumps(har, indent=1), encoding="utf-8")


PAGE = """new Promise(done => {
  const socket = new WebSocket(location.href.replace('http', 'ws'));
  socket.onopen = () => { socket.send('Grüße'); socket.send(new Uint8Array([0, 1, 255]));
                          socket.send('half a pair \\ud83d'); socket.send('latin-1'); };
  socket.onclose = event => done(event.code);
})"""


async def _chromium() -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        async with serving("127.0.0.1") as port:
            process = await asyncio.create_subprocess_exec(
                *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
                *("--disable-background-networking", "--disable-component-update"),
                *(f"--user-data-dir={folder}", "--remote-debugging-port=0", "about:blank"),
                stderr=asyncio.subprocess.DEVNULL,
            )
            try:
                async with asyncio.timeout(TIMEOUT):
                    await _drive(Path(folder), port, messages)
            finally:
                process.terminate()
                await process.wait()
    return messages


async def _drive(folder: Path, port: int, messages: list[dict[str, Any]]) -> None:
    import urllib.request

    place = folder / "DevToolsActivePort"
    while not place.exists() or not place.read_text():
        await asyncio.sleep(0.1)
    devtools = place.read_text().split()[0]
    listed = await asyncio.to_thread(
        lambda: urllib.request.urlopen(f"http://127.0.0.1:{devtools}/json").read()
    )
    target = next(one for one in json.loads(listed) if one["type"] == "page")
    async with connect(target["webSocketDebuggerUrl"], max_size=None) as tools:

        async def call(number: int, method: str, **parameters: Any) -> dict[str, Any]:
            await tools.send(json.dumps({"id": number, "method": method, "params": parameters}))
            while True:
                said = json.loads(await tools.recv())
                _note(said, messages)
                if said.get("id") == number:
                    return dict(said)

        await call(0, "Log.enable")
        await call(1, "Network.enable")
        await call(2, "Page.enable")
        await call(3, "Page.navigate", url=f"http://127.0.0.1:{port}/")
        await asyncio.sleep(1)
        await call(4, "Runtime.evaluate", expression=PAGE, awaitPromise=True)
        await call(5, "Runtime.evaluate", expression="1")


def _note(said: dict[str, Any], messages: list[dict[str, Any]]) -> None:
    """Take a message as DevTools does for a HAR."""
    what = said.get("params", {})
    kinds = {"Network.webSocketFrameSent": "send", "Network.webSocketFrameReceived": "receive"}
    if (kind := kinds.get(said.get("method", ""))) is not None:
        frame = what["response"]
        messages.append(
            {
                "type": kind,
                "time": what["timestamp"],
                "opcode": frame["opcode"],
                "data": frame["payloadData"],
            }
        )
    elif said.get("method") == "Network.webSocketFrameError":
        messages.append(
            {"type": "error", "time": what["timestamp"], "opcode": -1, "data": what["errorMessage"]}
        )
    elif said.get("method") == "Log.entryAdded":
        print(what["entry"]["text"])  # for ../log_lines/lines.json


FIREFOX_PAGE = b"""<!doctype html><title>here</title><script>
const url = location.href.replace('http', 'ws');
const socket = new WebSocket(url);
socket.onopen = () => { socket.send('Gr\xc3\xbc\xc3\x9fe'); socket.send('latin-1'); };
socket.onclose = () => {
  const nowhere = new WebSocket(url + 'nowhere');
  nowhere.onclose = () => { new WebSocket(url).onopen = () => { document.title = 'talked'; }; };
};
</script>"""


def make_firefox() -> None:
    async def exported() -> dict[str, Any]:
        async with serving("127.0.0.1", page=FIREFOX_PAGE) as port:
            return await asyncio.to_thread(firefox.run, f"http://127.0.0.1:{port}/")

    found = asyncio.run(exported())
    print(*found["console"], sep="\n")  # for ../log_lines/lines.json
    text = json.dumps(found["har"], indent=1, ensure_ascii=False)
    (HERE / "firefox.har").write_text(text, encoding="utf-8")


MAKERS = {
    name.removeprefix("make_"): maker
    for name, maker in list(globals().items())
    if name.startswith("make_")
}


def main() -> None:
    """Make all captures, or those that are named."""
    if "WSFAST_NAMESPACE" not in os.environ:
        os.environ["WSFAST_NAMESPACE"] = "1"
        os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])
    run("ip", "link", "set", "lo", "up")
    for name in sys.argv[1:] or MAKERS:
        print(name, flush=True)
        MAKERS[name]()


if __name__ == "__main__":
    main()
