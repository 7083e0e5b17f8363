"""A WebSocket protocol for uvicorn, instead of those that it brings.

    uvicorn app:app --ws wsfast.adapters.uvicorn:WebSocketProtocol

Nothing of uvicorn is replaced: its option takes any such class.

Invariant: what an application sees is what ASGI says, and what uvicorn's own protocols do;
docs/peers/uvicorn.md has the differences.
"""

from ._protocol import WebSocketProtocol

__all__ = ["WebSocketProtocol"]
