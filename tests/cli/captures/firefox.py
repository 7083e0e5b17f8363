"""What Firefox exports as HAR, and what its console says, by its own Network panel.

Marionette, the remote control that is built into Firefox, opens the developer tools and asks
the Network panel for what its menu would save.  Runs headless.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TIMEOUT = 90  # seconds
PREFERENCES = {
    "marionette.port": 0,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
}
# The page changes its title when it has talked; the panel has a moment to hear of the rest.
# Last, the page is left while a socket of it is open, which the console tells.
SCRIPT = """
const [url, finish] = arguments;
const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
(async () => {
  const { require } = ChromeUtils.importESModule(
    "resource://devtools/shared/loader/Loader.sys.mjs");
  const { gDevTools } = require("resource://devtools/client/framework/devtools.js");
  const tab = gBrowser.selectedTab;
  const toolbox = await gDevTools.showToolboxForTab(tab, { toolId: "netmonitor" });
  const go = where => tab.linkedBrowser.loadURI(Services.io.newURI(where), {
    triggeringPrincipal: Services.scriptSecurityManager.getSystemPrincipal() });
  go(url);
  while (tab.linkedBrowser.contentTitle != "talked") await pause(100);
  await pause(1000);
  const log = await toolbox.getHARFromNetMonitor();
  go("about:blank");
  await pause(1000);
  const console = Services.console.getMessageArray()
    .map(one => one instanceof Ci.nsIScriptError ? one.errorMessage : "")
    .filter(one => /wss?:/.test(one));
  return { har: { log }, console };
})().then(finish, error => finish({ error: `${error} ${error.stack}` }));
"""


def run(url: str, program: str = "firefox") -> dict[str, Any]:
    """Have Firefox load a page; return its HAR, and the lines of its console about sockets."""
    with (
        tempfile.TemporaryDirectory() as profile,
        _started(program, Path(profile)) as port,
        socket.create_connection(("127.0.0.1", port), TIMEOUT) as sock,
    ):
        remote = _Marionette(sock)
        remote.call("WebDriver:NewSession")
        remote.call("WebDriver:SetTimeouts", script=TIMEOUT * 1000)
        remote.call("Marionette:SetContext", value="chrome")
        found = remote.call("WebDriver:ExecuteAsyncScript", script=SCRIPT, args=[url])["value"]
    if "error" in found:
        raise RuntimeError(found["error"])
    return dict(found)


@contextlib.contextmanager
def _started(program: str, profile: Path) -> Iterator[int]:
    """Start Firefox with a profile of its own; give the port of Marionette."""
    lines = (f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in PREFERENCES.items())
    (profile / "user.js").write_text("".join(lines))
    command = [program, "--headless", "--marionette", "--remote-allow-system-access"]
    process = subprocess.Popen(
        [*command, "--profile", str(profile)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        place = profile / "MarionetteActivePort"
        until = time.monotonic() + TIMEOUT
        while not place.exists() or not place.read_text():
            if time.monotonic() > until or process.poll() is not None:
                raise RuntimeError("Firefox did not start Marionette")
            time.sleep(0.1)
        yield int(place.read_text())
    finally:
        process.terminate()
        process.wait(TIMEOUT)


class _Marionette:
    """The client's end of Marionette's protocol: a length in digits, a colon, JSON."""

    def __init__(self, sock: socket.socket) -> None:
        self._file = sock.makefile("rwb")
        self._number = 0
        self._receive()  # it says which version it is

    def call(self, command: str, **parameters: Any) -> Any:
        self._number += 1
        said = json.dumps([0, self._number, command, parameters]).encode()
        self._file.write(b"%d:%b" % (len(said), said))
        self._file.flush()
        _, _, error, result = self._receive()
        if error:
            raise RuntimeError(f"{command}: {error}")
        return result

    def _receive(self) -> Any:
        digits = b""
        while not digits.endswith(b":"):
            digits += self._file.read(1)
        return json.loads(self._file.read(int(digits[:-1])))
