"""A browser against the demo server: its close events, and the codec's verdict on the traffic.

Needs Chromium; where there is none the tests are skipped, unless WSFAST_REQUIRE_BROWSER=1.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile

import pytest

pytest.importorskip("click")
from click.testing import CliRunner

from wsfast.cli import _server, command

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
TIMEOUT = 90.0  # seconds
if CHROMIUM is None:
    if os.environ.get("WSFAST_REQUIRE_BROWSER") == "1":
        pytest.fail("WSFAST_REQUIRE_BROWSER=1, but there is no chromium")
    pytest.skip("no chromium: the browser tests did NOT run", allow_module_level=True)

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--dump-dom",
)


SCENES = 5  # of the page, each a connection


class Tap:
    """A relay before the demo server that keeps what it sent on its last connection."""

    def __init__(self) -> None:
        self.bad_text = b""
        self.over = 0  # connections of WebSocket that are closed
        self.all_over = asyncio.Event()

    async def relay(
        self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head = await reader.readuntil(b"\r\n")
        if head.startswith(b"GET /hold"):
            await self.all_over.wait()
            await asyncio.sleep(0.5)  # for the page to write down the last close
            writer.close()
            return
        upstream, down = await asyncio.open_connection("127.0.0.1", port)
        sent, received = bytearray(), bytearray(head)
        down.write(head)

        async def copy(
            source: asyncio.StreamReader, sink: asyncio.StreamWriter, record: bytearray
        ) -> None:
            while chunk := await source.read(65536):
                record += chunk
                sink.write(chunk)
            sink.close()

        await asyncio.gather(
            copy(reader, down, received), copy(upstream, writer, sent), return_exceptions=True
        )
        if received.startswith(b"GET /bad-text"):
            self.bad_text = bytes(sent)
        if b"Upgrade: websocket" in received:
            self.over += 1
            if self.over == SCENES:
                self.all_over.set()


async def browse() -> tuple[str, bytes]:
    """Return the page after all its connections, and what /bad-text was sent as."""
    server = await _server.start_demo(0)
    port = server.sockets[0].getsockname()[1]
    tap = Tap()
    proxy = await asyncio.start_server(lambda r, w: tap.relay(port, r, w), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}/?all"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = await asyncio.create_subprocess_exec(
            str(CHROMIUM),
            *FLAGS,
            f"--user-data-dir={profile}",
            url,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            output, _ = await asyncio.wait_for(browser.communicate(), TIMEOUT)
        finally:
            if browser.returncode is None:
                browser.kill()
                await browser.wait()
    proxy.close()
    server.close()
    return output.decode(), tap.bad_text


@pytest.fixture(scope="module")
def page() -> tuple[str, bytes]:
    return asyncio.run(browse())


def close_event(page: str, title: str) -> tuple[int, bool, str]:
    found = re.search(rf'{title}: code=(\d+) clean=(\w+) reason="(.*?)"\n', page)
    assert found, page
    return int(found[1]), found[2] == "true", found[3]


@pytest.mark.parametrize(
    ("title", "code", "clean", "reason"),
    [
        (
            "text in Latin-1",
            *(1007, True),
            "invalid UTF-8 at byte 2: FC, no character begins with this byte",
        ),
        (
            "an emoji cut in half",
            *(1007, True),
            "invalid UTF-8 at byte 2: F0 9F, the text ends inside a character",
        ),
        ("good text", 1000, True, "valid UTF-8"),
        ("the server restarts", 1001, True, "the server restarts; reconnect with backoff"),
        # Chromium answers bad text with 1002 on the wire, and tells the page 1006.
        ("the server sends a bad text", 1006, False, ""),
    ],
)
def test_browser_sees_our_codes_and_reasons(
    page: tuple[str, bytes], title: str, code: int, clean: bool, reason: str
) -> None:
    assert close_event(page[0], title) == (code, clean, reason)


def test_frames_diagnoses_what_the_browser_only_called_1006(page: tuple[str, bytes]) -> None:
    result = CliRunner().invoke(command, ["frames"], input=page[1])
    assert result.exit_code == 1
    assert "violation 1007: invalid UTF-8 at byte 2: FC" in result.output
    assert "text in another charset (cp1252)" in result.output
