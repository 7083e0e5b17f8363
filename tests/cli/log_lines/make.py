"""Run what is not Python against a server that misbehaves, and print what each writes.

    python tests/cli/log_lines/make.py DIRECTORY

DIRECTORY holds ``node_modules`` with ws, undici, faye-websocket and websocket (``npm install``),
and Netty's jars.  What is not installed is left out: node, go (with github.com/gorilla/websocket
in its path), java, chromium, firefox.  Lines are added to ``lines.json`` by hand, with what they
must be read as; the libraries for Python are in ``tests/adapters/test_log_messages.py``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from socket import create_server, socket

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from misbehaving import read_request, shake_hands  # noqa: E402 # needs the path

SECONDS = 15
SCENARIOS = {
    "bad": b"\x81\x05caf\xc3(",
    "fragments": b"\x01\x02ca\x00\x02f\xc3\x80\x01(",
    "1001": b"\x88\x09\x03\xe9restart",
    "1007": b"\x88\x0b\x03\xefnot UTF-8",
    "1005": b"\x88\x00",
    "bad-reason": b"\x88\x03\x03\xe8\xff",
    "code-1006": b"\x88\x02\x03\xee",
    "drop": b"",
}
PAGE = b"""<script>
for (const name of %r.split(" ")) {
  const socket = new WebSocket(`ws://${location.host}/${name}`);
  socket.onopen = () => socket.send("ready");
  socket.onclose = ({code, reason, wasClean}) =>
    console.log("onclose", name, JSON.stringify({code, reason, wasClean}));
}
</script>"""


def answer(sock: socket) -> None:
    """Play the scenario that the path names, or send the page that plays all of them."""
    with sock:
        sock.settimeout(SECONDS)
        peeked = sock.recv(4096, 2)  # MSG_PEEK
        path = peeked.split()[1].decode().strip("/")
        if path not in SCENARIOS:
            read_request(sock)
            body = PAGE.replace(b"%r", repr(" ".join(SCENARIOS)).encode())
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n"
            sock.sendall(head % len(body) + body)
            return
        shake_hands(sock)
        sock.recv(65536)
        sock.sendall(SCENARIOS[path])
        if SCENARIOS[path]:
            while sock.recv(65536):
                pass


def serve(listener: socket) -> None:
    while True:
        threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()


def commands(base: str, modules: Path) -> list[tuple[str, list[str], Path]]:
    """Return what to run: a name, the command, and the directory to run it in."""
    found: list[tuple[str, list[str], Path]] = []
    for name in SCENARIOS:
        url = f"{base.replace('http', 'ws')}/{name}"
        for library in ("ws", "undici", "faye-websocket", "websocket"):
            node = ["node", str(HERE / "node.mjs"), library, url]
            found.append((f"{library} {name}", node, modules))
        found.append((f"gorilla {name}", ["go", "run", str(HERE / "gorilla.go"), url], HERE))
        found.append((f"java {name}", ["java", str(HERE / "Client.java"), url], HERE))
        netty = ["java", "-cp", f"{modules}/*", str(HERE / "NettyClient.java"), url]
        found.append((f"netty {name}", netty, HERE))
    profile = tempfile.mkdtemp()
    chromium = ["chromium", "--headless=new", "--no-sandbox", "--enable-logging=stderr"]
    chromium += ["--remote-debugging-port=0", f"--user-data-dir={profile}/chromium", base]
    firefox = Path(profile, "firefox")
    firefox.mkdir()
    (firefox / "user.js").write_text('user_pref("devtools.console.stdout.content", true);\n')
    found.append(("chromium", chromium, HERE))
    found.append(("firefox", ["firefox", "--headless", "--profile", str(firefox), base], HERE))
    return found


def main(modules: str) -> None:
    listener = create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    for name, command, directory in commands(base, Path(modules)):
        if shutil.which(command[0]) is None:
            continue
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(command, cwd=directory, stdout=output, stderr=output)
            try:
                process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            output.seek(0)
            for line in output.read().decode("utf-8", "replace").splitlines():
                if name not in ("chromium", "firefox") or re.search("onclose|WebSocket", line):
                    print(f"{name} | {line.rstrip()}")


if __name__ == "__main__":
    main(*sys.argv[1:])
