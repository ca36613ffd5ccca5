"""Turns whatever a browser or phone records into the PCM that speech recognition takes."""

import asyncio
import io

import av

from morgan_core.clients import STT_SAMPLE_RATE


class DecodeError(Exception):
    """The recording is not audio that FFmpeg's libraries know."""


async def to_pcm(recording: bytes) -> bytes:
    """16 kHz mono PCM from any common container and codec; other requests go on meanwhile."""
    return await asyncio.to_thread(_to_pcm, recording)


def _to_pcm(recording: bytes) -> bytes:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=STT_SAMPLE_RATE)
    pcm = bytearray()
    try:
        with av.open(io.BytesIO(recording)) as container:
            if not container.streams.audio:
                raise DecodeError("decode the recording: it contains no audio")
            for frame in [*container.decode(audio=0), None]:  # None drains the resampler
                for part in resampler.resample(frame):
                    pcm += bytes(part.planes[0])[: part.samples * 2]
    except av.FFmpegError as error:
        raise DecodeError(f"decode the recording: {error}") from error
    return bytes(pcm)
