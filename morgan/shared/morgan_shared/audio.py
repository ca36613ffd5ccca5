"""PCM audio as Morgan's services exchange it: mono, 16-bit signed little-endian."""

import struct
from collections.abc import Iterator

SAMPLE_BYTES = 2
# A WAV file that is still being written does not know its length; players read until the end.
UNKNOWN_LENGTH = 0xFFFFFFFF


def wav_header(sample_rate: int, data_bytes: int | None = None) -> bytes:
    """The 44 bytes before PCM samples; without `data_bytes` for a stream of unknown length."""
    if data_bytes is None:
        riff_size = data_size = UNKNOWN_LENGTH
    else:
        riff_size, data_size = 36 + data_bytes, data_bytes
    byte_rate = sample_rate * SAMPLE_BYTES
    header = struct.pack("<4sI4s", b"RIFF", riff_size, b"WAVE")
    header += struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, sample_rate, byte_rate, SAMPLE_BYTES, 16)
    return header + struct.pack("<4sI", b"data", data_size)


def chunks(pcm: bytes, sample_rate: int, milliseconds: int) -> Iterator[bytes]:
    """`pcm` in pieces of the given duration; the last may be shorter."""
    size = sample_rate * milliseconds // 1000 * SAMPLE_BYTES
    for start in range(0, len(pcm), size):
        yield pcm[start : start + size]


def seconds(pcm: bytes, sample_rate: int) -> float:
    return len(pcm) / SAMPLE_BYTES / sample_rate
