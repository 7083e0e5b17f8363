"""Collect what wsfast imports by name, and none of the libraries that it accelerates.

They are imported in functions, once they are there anyway; a program that uses one has it
already.
"""

from PyInstaller.utils.hooks import collect_submodules

hiddenimports = collect_submodules("wsfast.adapters")
excludedimports = [
    "aiohttp",
    "autobahn",
    "geventwebsocket",
    "h11",
    "lomond",
    "tornado",
    "twisted",
    "uvicorn",
    "websocket",
    "websockets",
    "ws4py",
    "wsproto",
]
