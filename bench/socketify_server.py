"""socketify as an echo server to be loaded by race.py: its own application interface.

    python bench/socketify_server.py [deflate]

It prints its port and is ended by a signal.
"""

from __future__ import annotations

import sys

from socketify import App, CompressOptions


def main() -> None:
    """Serve until a signal comes."""
    compression = CompressOptions.SHARED_COMPRESSOR if sys.argv[1:] else CompressOptions.DISABLED
    app = App()
    app.ws(
        "/*",
        {
            "compression": compression,
            "max_payload_length": 1 << 26,
            "max_backpressure": 1 << 26,
            "idle_timeout": 0,
            "message": lambda ws, message, opcode: ws.send(message, opcode, bool(sys.argv[1:])),
        },
    )
    app.listen({"port": 0, "host": "127.0.0.1"}, lambda config: print(config.port, flush=True))
    app.run()


if __name__ == "__main__":
    main()
