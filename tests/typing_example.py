"""Every public name as a typed program uses it: for ``mypy --strict``, not a test.

mypy --strict tests/typing_example.py
"""

from __future__ import annotations

import array
from typing import assert_type

import wsfast


def masking() -> None:
    key: bytes = wsfast.new_masking_key()
    buffer = bytearray(wsfast.apply_mask(memoryview(b"payload"), key, offset=1))
    wsfast.apply_mask_inplace(buffer, array.array("B", key), 1)
    assert_type(wsfast.apply_mask(array.array("I", [1]), key), bytes)


def utf8() -> None:
    assert_type(wsfast.is_valid_utf8(bytearray(b"text")), bool)
    assert_type(wsfast.decode_utf8(b"text"), str)
    assert_type(wsfast.encode_utf8("text"), bytes)
    wsfast.validate_utf8(memoryview(b"text"))
    validator = wsfast.Utf8Validator()
    validator.feed(b"\xc3")
    moved = wsfast.Utf8Validator.from_state(validator.state)
    assert_type(moved, wsfast.Utf8Validator)
    moved.feed(b"\xb6")
    moved.finish()
    assert_type((moved.position, moved.at_boundary), tuple[int, bool])
    moved.reset()


def frames() -> list[wsfast.Frame]:
    decoder = wsfast.FrameDecoder("client", max_frame_size=None, reserved_bits=0x40)
    wire = wsfast.encode_frame(wsfast.Opcode.TEXT, "text", fin=False, rsv1=True)
    wire += wsfast.encode_frame(0, b"more")
    found = list(decoder.feed(wire))
    assert_type(found, list[wsfast.Frame])
    match found[0]:
        case wsfast.Frame(wsfast.Opcode.TEXT, payload, False):
            assert_type(bytes(payload), bytes)
    return [wsfast.Frame(wsfast.Opcode.PING, b"", fin=True, rsv1=False, rsv2=False, rsv3=False)]


def messages() -> str:
    decoder = wsfast.MessageDecoder("client", max_message_size=2**24, max_retained=2**26)
    assert_type(decoder, wsfast.MessageDecoder[str])
    buffer = decoder.get_buffer(65_536)
    assert_type(buffer, memoryview)
    frame = wsfast.encode_frame(wsfast.Opcode.TEXT, "text")
    buffer[: len(frame)] = frame
    for event in decoder.buffer_updated(len(frame)):
        match event:
            case wsfast.Text(text):
                return str(text)
            case wsfast.Binary(data) | wsfast.Ping(data) | wsfast.Pong(data):
                return data.hex()
            case wsfast.Close(code, reason):
                return f"{code} {reason}"
    return ""


def text_as_bytes() -> bytes:
    decoder = wsfast.MessageDecoder("server", text="bytes", max_frame_size=2**16)
    assert_type(decoder, wsfast.MessageDecoder[bytes])
    for event in decoder.feed(b""):
        if isinstance(event, wsfast.Text):
            assert_type(event.data, bytes)
            return event.data
    return wsfast.Binary(b"").data + wsfast.Ping(b"").data + wsfast.Pong(b"").data


def streams() -> list[str | bytes]:
    decoder = wsfast.MessageDecoder("server", stream=True, max_message_size=None)
    found: list[str | bytes] = []
    for event in decoder.feed(b""):
        match event:
            case wsfast.TextPart(text, last):
                assert_type((text, last), tuple[str, bool])
                found.append(text)
            case wsfast.BinaryPart(data, True):
                found.append(data)
            case wsfast.Close(code):
                assert_type(code, int)
    raw = wsfast.MessageDecoder("server", stream=True, text="bytes")
    for event_of_bytes in raw:
        assert_type(
            event_of_bytes,
            wsfast.TextPart[bytes] | wsfast.BinaryPart | wsfast.Ping | wsfast.Pong | wsfast.Close,
        )
    for part in wsfast.Connection("client", stream=True).receive(b""):
        assert_type(
            part,
            wsfast.TextPart[str] | wsfast.BinaryPart | wsfast.Ping | wsfast.Pong | wsfast.Close,
        )
    return found


def reconnecting() -> str:
    backoff = wsfast.Backoff(base=0.5, jitter="equal", max_attempts=3)
    assert_type(wsfast.worth_retrying(OSError()), bool)
    return wsfast.retry(lambda: "connected", backoff=backoff, retry_if=wsfast.worth_retrying)


async def reconnecting_async() -> str:
    async def connect() -> str:
        return "connected"

    return await wsfast.retry_async(connect, backoff=wsfast.Backoff())


def connections() -> str | bytes:
    server, client = wsfast.Connection("server"), wsfast.Connection("client", text="bytes")
    assert_type(server, wsfast.Connection[str])
    assert_type(client, wsfast.Connection[bytes])
    client.send_text("text")
    for event in server.receive(client.data_to_send()):
        assert_type(
            event, wsfast.Text[str] | wsfast.Binary | wsfast.Ping | wsfast.Pong | wsfast.Close
        )
        if isinstance(event, wsfast.Text):
            assert_type(event.data, str)
            return event.data
    for answer in client.buffer_updated(0):
        if isinstance(answer, wsfast.Text):
            assert_type(answer.data, bytes)
            return answer.data
    return b""


def closing() -> wsfast.Close:
    payload = wsfast.encode_close(wsfast.CloseCode.GOING_AWAY, "restart")
    close = wsfast.parse_close(payload)
    assert_type((close.code, close.reason), tuple[int, str])
    return close


def violations(data: bytes) -> bytes:
    """Return the close frame that ``data`` deserves."""
    try:
        for _ in wsfast.MessageDecoder("server").feed(data):
            pass
    except wsfast.InvalidUTF8 as violation:
        place: tuple[int, int, int] = (violation.offset, violation.length, violation.detected_at)
        fragment: tuple[int, int] = (violation.fragment_index, violation.fragment_offset)
        cause: wsfast.Cause = violation.cause
        evidence: bytes = violation.octets + violation.context
        print(place, fragment, cause is wsfast.Cause.TRUNCATED, cause.value, evidence)
        return violation.close_frame(masking_key=None)
    except (wsfast.ProtocolError, wsfast.MessageTooBig) as violation:
        assert_type((violation.close_code, violation.close_reason), tuple[int, str])
        return violation.close_frame(wsfast.new_masking_key())
    except wsfast.ProtocolViolation as violation:
        return violation.close_frame()
    return b""


def main() -> wsfast.BackendInfo:
    info = wsfast.backend()
    assert_type(info.kernels, tuple[str, ...])
    print(info.name, info.kernel, info.cpu_features, info.reason)
    return info


if __name__ == "__main__":
    masking()
    utf8()
    print(reconnecting())
    print(frames(), messages(), connections(), streams(), text_as_bytes(), closing())
    print(violations(b"\x01"), main())
