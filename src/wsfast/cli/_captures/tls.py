"""Captures of TLS, decrypted by tshark with the keys that a client or a server wrote.

https://firefox-source-docs.mozilla.org/security/nss/legacy/key_log_format: the file that
SSLKEYLOGFILE names.

Invariant: tshark gets no name from the capture, and at most ``TIMEOUT`` seconds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile

from .._files import Unreadable
from .._output import escaped
from . import follow, pcap
from .model import Connection, NotFrames

TIMEOUT = 120  # seconds
MAX_STREAMS = 200


def read(data: bytes, keylog: str) -> list[Connection]:
    """Return the connections of a pcap or pcapng that the keys open.

    Raises:
        Unreadable: there is no tshark, no such file, or it is no capture.
    """
    if not pcap.score(data):
        raise Unreadable("--keylog needs a pcap or a pcapng")
    tshark = shutil.which("tshark")
    if tshark is None:
        raise Unreadable(
            "--keylog needs tshark: install Wireshark's command-line tools (apt install tshark)"
        )
    try:
        with open(keylog, "rb"):
            pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Unreadable(f"can't read the keys in {escaped(keylog, 4096)}: {reason}") from None
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "capture")
        with open(path, "wb") as file:
            file.write(data)
        keys = f"tls.keylog_file:{os.path.abspath(keylog)}"
        command = [tshark, "-n", "-r", path, "-o", keys]
        listed = _run([*command, "-Y", "tls", "-T", "fields", "-e", "tcp.stream"])
        numbers = sorted({int(number) for number in listed.split() if number.isdigit()})
        if not numbers:
            raise NotFrames("no TLS connection in this capture; try it without --keylog")
        follows = [part for n in numbers[:MAX_STREAMS] for part in ("-z", f"follow,tls,raw,{n}")]
        followed = _run([*command, "-q", *follows])
    found = list(follow.read(followed))
    for number, connection in zip(numbers, found, strict=False):
        connection.number = number
    opened = [one for one in found if any(side.size for side in one.sides)]
    if not opened:
        raise NotFrames(
            f"the keys in {escaped(keylog, 4096)} open none of the {len(numbers)} TLS "
            "connections in this capture: they must come from the same run, and the "
            "capture must have the connection's beginning"
        )
    return opened


def _run(command: list[str]) -> bytes:
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        raise Unreadable(f"tshark did not end within {TIMEOUT} seconds") from None
    except OSError as error:
        raise Unreadable(f"can't run tshark: {error.strerror or error}") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "backslashreplace").strip().rpartition("\n")[2]
        raise Unreadable(f"tshark fails: {escaped(said, 200)}")
    return done.stdout
