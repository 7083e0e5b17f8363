"""The hot path of WebSocket (RFC 6455), compiled: masking, frames, UTF-8 with evidence.

This file is the list of what is public; everything else is private.
"""

from ._backend import (
    BackendInfo,
    Binary,
    Close,
    Frame,
    FrameDecoder,
    MessageDecoder,
    Ping,
    Pong,
    Text,
    Utf8Validator,
    apply_mask,
    apply_mask_inplace,
    backend,
    decode_utf8,
    encode_close,
    encode_frame,
    is_valid_utf8,
    new_masking_key,
    parse_close,
    validate_utf8,
)
from .closecodes import CloseCode
from .errors import Cause, InvalidUTF8, MessageTooBig, ProtocolError, ProtocolViolation
from .opcodes import Opcode

__version__ = "0.1.0.dev0"

__all__ = [
    "BackendInfo",
    "Binary",
    "Cause",
    "Close",
    "CloseCode",
    "Frame",
    "FrameDecoder",
    "InvalidUTF8",
    "MessageDecoder",
    "MessageTooBig",
    "Opcode",
    "Ping",
    "Pong",
    "ProtocolError",
    "ProtocolViolation",
    "Text",
    "Utf8Validator",
    "apply_mask",
    "apply_mask_inplace",
    "backend",
    "decode_utf8",
    "encode_close",
    "encode_frame",
    "is_valid_utf8",
    "new_masking_key",
    "parse_close",
    "validate_utf8",
]
