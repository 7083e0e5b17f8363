"""A server of ``programs.py`` that logs all it can on stderr.

python log_servers.py NAME FD
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from typing import Any

import programs


def uvicorn(sock: socket.socket, ws: Any) -> None:
    import uvicorn

    config = uvicorn.Config(programs.asgi, ws=ws, log_level="trace", lifespan="off")
    uvicorn.Server(config).run(sockets=[sock])


def hypercorn(sock: socket.socket) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{sock.detach()}"]
    config.errorlog = config.accesslog = "-"
    config.loglevel = "DEBUG"
    asyncio.run(serve(programs.asgi, config))  # type: ignore[arg-type]


def main(name: str, number: str) -> None:
    logging.basicConfig(level=logging.DEBUG, format="%(levelname)s:%(name)s:%(message)s")
    programs.uvicorn = uvicorn
    programs.SERVERS["hypercorn"] = hypercorn
    if name == "autobahn":
        import txaio

        txaio.use_asyncio()
        txaio.start_logging(level="debug")
    programs.SERVERS[name](socket.socket(fileno=int(number)))


if __name__ == "__main__":
    main(*sys.argv[1:])
