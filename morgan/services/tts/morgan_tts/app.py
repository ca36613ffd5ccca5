"""Streaming speech synthesis: uvicorn morgan_tts.app:app"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import torch
from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from morgan_shared import audio
from morgan_shared.health import Health
from morgan_shared.service import create_app
from pydantic import BaseModel, Field

from morgan_tts.settings import TtsSettings
from morgan_tts.voice import Voice

log = logging.getLogger(__name__)


class SpeakRequest(BaseModel):
    text: str = Field(min_length=1, max_length=2000)
    speaker: int = Field(default=0, ge=0)
    format: Literal["wav", "pcm"] = "wav"


class Loader:
    """Loads the model beside the running service, and knows why there is none."""

    def __init__(self, settings: TtsSettings):
        self._settings = settings
        self.voice: Voice | None = None
        self.reason = "the model is loading"

    def load(self) -> None:
        settings = self._settings
        if not settings.model_path.is_dir():
            self.reason = f"model {settings.model_path} is missing"
            return
        try:
            self.voice = Voice.load(
                settings.model_path,
                settings.tts_device,
                settings.tts_chunk_frames,
                settings.tts_max_seconds,
            )
        except Exception as error:  # a damaged model may fail in any way; the service stays up
            log.exception("loading the model failed")
            self.reason = f"load model {settings.model_path}: {error}"


def build(settings: TtsSettings) -> FastAPI:
    loader = Loader(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loading = asyncio.create_task(asyncio.to_thread(loader.load))
        yield
        await loading

    def health() -> Health:
        cuda = torch.cuda.is_available()
        result = Health(service="tts", details={"cuda": cuda, "torch": torch.__version__})
        if loader.voice is None:
            result.degrade(loader.reason)
        else:
            result.details["device"] = loader.voice.device
        if not cuda and settings.tts_device != "cpu":
            result.degrade(
                "CUDA is not available: no NVIDIA driver, or no GPU given to the container"
            )
        return result

    app = create_app("tts", settings, health, lifespan)

    @app.post("/v1/speak")
    async def speak(request: SpeakRequest) -> StreamingResponse:
        """The text as sound: 16-bit mono, as a WAV stream or as bare PCM (`format`)."""
        if loader.voice is None:
            raise HTTPException(503, loader.reason)
        rate = loader.voice.sample_rate
        wav = request.format == "wav"
        return StreamingResponse(
            sound(loader.voice, request, audio.wav_header(rate) if wav else b""),
            media_type="audio/wav" if wav else f"audio/L16;rate={rate};channels=1",
            headers={"x-sample-rate": str(rate)},
        )

    return app


async def sound(voice: Voice, request: SpeakRequest, header: bytes) -> AsyncIterator[bytes]:
    """The header and the PCM that the model's thread produces; a client that leaves stops it."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes | None] = asyncio.Queue()
    cancelled = threading.Event()

    def emit(pcm: bytes | None) -> None:
        loop.call_soon_threadsafe(queue.put_nowait, pcm)

    def work() -> None:
        try:
            voice.speak(request.text, request.speaker, emit, cancelled)
        finally:
            emit(None)

    working = asyncio.create_task(asyncio.to_thread(work))
    try:
        if header:
            yield header
        while (pcm := await queue.get()) is not None:
            yield pcm
        await working  # raises what went wrong
    finally:
        cancelled.set()


app = build(TtsSettings())
