"""Streaming speech recognition: uvicorn morgan_stt.app:app"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import ctranslate2
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from morgan_shared.health import Health
from morgan_shared.service import create_app

from morgan_stt import cuda
from morgan_stt.recogniser import Recogniser
from morgan_stt.session import Session
from morgan_stt.settings import SttSettings

log = logging.getLogger(__name__)

TRY_AGAIN_LATER = 1013
UNSUPPORTED_DATA = 1003


class Loader:
    """Loads the model beside the running service, and knows why there is none."""

    def __init__(self, settings: SttSettings):
        self._settings = settings
        self.recogniser: Recogniser | None = None
        self.reason = "the model is loading"

    def load(self) -> None:
        settings = self._settings
        if not settings.model_path.is_dir():
            self.reason = f"model {settings.model_path} is missing"
            return
        try:
            self.recogniser = Recogniser.load(
                settings.model_path, settings.stt_device, settings.stt_language
            )
        except Exception as error:  # a damaged model may fail in any way; the service stays up
            log.exception("loading the model failed")
            self.reason = f"load model {settings.model_path}: {error}"


def build(settings: SttSettings) -> FastAPI:
    loader = Loader(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loading = asyncio.create_task(asyncio.to_thread(loader.load))
        yield
        await loading

    def health() -> Health:
        available = cuda.available()
        details = {"cuda": available, "ctranslate2": ctranslate2.__version__}
        result = Health(service="stt", details=details)
        if loader.recogniser is None:
            result.degrade(loader.reason)
        else:
            result.details["device"] = loader.recogniser.device
        if not available and settings.stt_device != "cpu":
            result.degrade(
                "CUDA is not available: no NVIDIA driver, or no GPU given to the container"
            )
        return result

    app = create_app("stt", settings, health, lifespan)

    @app.websocket("/v1/stream")
    async def stream(socket: WebSocket) -> None:
        """Binary messages: 16 kHz mono 16-bit PCM, of any length; {"type": "end"} ends the stream.
        Answers, as JSON: {"type": "speech"} when somebody begins to speak, {"type": "partial",
        "text"} meanwhile, {"type": "final", "text", "start", "end"} after each utterance and
        {"type": "done"}; {"type": "error", "message"} before the socket is closed early."""
        await socket.accept()
        if loader.recogniser is None:
            await refuse(socket, loader.reason, TRY_AGAIN_LATER)
            return
        session = Session(
            loader.recogniser,
            socket.send_json,
            settings.stt_silence_ms,
            settings.stt_partial_seconds,
        )
        try:
            await run(session, socket)
        except WebSocketDisconnect:
            log.info("a client left in the middle of its stream")

    return app


async def run(session: Session, socket: WebSocket) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        if pcm := message.get("bytes"):
            await session.hear(pcm)
        elif is_end(message.get("text")):
            await session.end()
            await socket.close()
            return
        else:
            await refuse(socket, 'expected audio or {"type": "end"}', UNSUPPORTED_DATA)
            return


def is_end(text: str | None) -> bool:
    try:
        return json.loads(text or "") == {"type": "end"}
    except ValueError:
        return False


async def refuse(socket: WebSocket, reason: str, code: int) -> None:
    await socket.send_json({"type": "error", "message": reason})
    await socket.close(code)


app = build(SttSettings())
