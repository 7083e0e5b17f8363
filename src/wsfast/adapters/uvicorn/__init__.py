"""A WebSocket protocol for uvicorn, instead of uvicorn's own.

    uvicorn app:app --ws wsfast.adapters.uvicorn:WebSocketProtocol

Nothing in uvicorn is replaced: its option accepts any such class.

Invariant: an application sees what ASGI specifies, and the same as with uvicorn's own
protocols; docs/peers/uvicorn.md lists the differences.
"""

from ._protocol import WebSocketProtocol

__all__ = ["WebSocketProtocol"]
