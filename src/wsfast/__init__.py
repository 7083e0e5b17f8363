"""A fast, compiled WebSocket codec (RFC 6455): masking, frames, messages, UTF-8 with evidence.

This file lists the public names; everything else is private.
"""

from ._backend import (
    BackendInfo,
    Binary,
    BinaryPart,
    Close,
    Frame,
    FrameDecoder,
    MessageDecoder,
    Ping,
    Pong,
    Text,
    TextPart,
    Utf8Validator,
    apply_mask,
    apply_mask_inplace,
    backend,
    decode_utf8,
    encode_close,
    encode_frame,
    encode_frames,
    encode_utf8,
    is_valid_utf8,
    new_masking_key,
    parse_close,
    validate_utf8,
)
from .backoff import Backoff, retry, retry_async, worth_retrying
from .c_api import get_include
from .closecodes import (
    CloseCode,
    CloseCodeInfo,
    Comparison,
    compare,
    explain,
    should_reconnect,
)
from .errors import Cause, InvalidUTF8, MessageTooBig, ProtocolError, ProtocolViolation
from .fragments import fragment
from .opcodes import Opcode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .adapters import Acceleration, accelerate, restore
    from .connection import Closure, Connection, ConnectionState, NotOpen
    from .deflate import Deflate, DeflateParameters, PerMessageDeflate
    from .diagnosis import Diagnosis, Origin, diagnose

__version__ = "0.1.0"

__all__ = [
    "Acceleration",
    "BackendInfo",
    "Backoff",
    "Binary",
    "BinaryPart",
    "Cause",
    "Close",
    "CloseCode",
    "CloseCodeInfo",
    "Closure",
    "Comparison",
    "Connection",
    "ConnectionState",
    "Deflate",
    "DeflateParameters",
    "Diagnosis",
    "Frame",
    "FrameDecoder",
    "InvalidUTF8",
    "MessageDecoder",
    "MessageTooBig",
    "NotOpen",
    "Opcode",
    "Origin",
    "PerMessageDeflate",
    "Ping",
    "Pong",
    "ProtocolError",
    "ProtocolViolation",
    "Text",
    "TextPart",
    "Utf8Validator",
    "accelerate",
    "apply_mask",
    "apply_mask_inplace",
    "backend",
    "compare",
    "decode_utf8",
    "diagnose",
    "encode_close",
    "encode_frame",
    "encode_frames",
    "encode_utf8",
    "explain",
    "fragment",
    "get_include",
    "is_valid_utf8",
    "new_masking_key",
    "parse_close",
    "restore",
    "retry",
    "retry_async",
    "should_reconnect",
    "validate_utf8",
    "worth_retrying",
]


# Imported when they are first used, from the modules in the imports for type checkers above: not
# every program needs them, but every program would pay for them.
_LATER = {
    "Acceleration": "adapters",
    "Closure": "connection",
    "Connection": "connection",
    "ConnectionState": "connection",
    "Deflate": "deflate",
    "DeflateParameters": "deflate",
    "Diagnosis": "diagnosis",
    "NotOpen": "connection",
    "Origin": "diagnosis",
    "PerMessageDeflate": "deflate",
    "accelerate": "adapters",
    "diagnose": "diagnosis",
    "restore": "adapters",
}


if not TYPE_CHECKING:  # type checkers read the imports above, and know what is not there

    def __getattr__(name: str) -> object:
        """Import a name that is imported on first use."""
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(f".{_LATER[name]}", __name__), name)
        return value


def __dir__() -> list[str]:
    """List also the names that are imported on first use."""
    return sorted({*globals(), *_LATER})


def _diagnose(*args: "Any", **kwargs: "Any") -> "Diagnosis":
    """Call ``diagnose``, which is imported on first use."""
    from .diagnosis import diagnose

    return diagnose(*args, **kwargs)


InvalidUTF8._diagnose = _diagnose
