"""Morgan's front door: uvicorn morgan_core.app:app"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse
from morgan_shared import sse
from morgan_shared.health import Health, Status
from morgan_shared.service import create_app
from pydantic import BaseModel, Field

from morgan_core import conversation
from morgan_core.clients import ServiceError, Services
from morgan_core.decode import DecodeError, to_pcm
from morgan_core.settings import CoreSettings


class Message(BaseModel):
    role: Literal["system", "user", "assistant"]
    content: str


class ChatRequest(BaseModel):
    text: str = Field(min_length=1)
    history: list[Message] = Field(default_factory=list)
    speak: bool = True


def build(settings: CoreSettings) -> FastAPI:
    services = Services(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await services.close()

    async def health() -> Health:
        states = await services.health()
        result = Health(service="core", details={"services": states})
        for name, state in states.items():
            if state.status is not Status.OK:
                result.degrade(f"{name} is {state.status.value}: {'; '.join(state.reasons)}")
        return result

    app = create_app("core", settings, health, lifespan)

    def answer(request: ChatRequest, **first: str) -> StreamingResponse:
        messages = [
            {"role": "system", "content": settings.system_prompt},
            *(message.model_dump() for message in request.history),
            {"role": "user", "content": request.text},
        ]

        async def events() -> AsyncIterator[str]:
            if first:
                yield sse.encode(first)
            async for event in conversation.reply(services, messages, request.speak):
                yield sse.encode(event)

        return StreamingResponse(events(), media_type=sse.MEDIA_TYPE)

    async def recognise(recording: bytes) -> list[dict]:
        try:
            return await services.transcribe(await to_pcm(recording))
        except DecodeError as error:
            raise HTTPException(422, str(error)) from error
        except ServiceError as error:
            raise HTTPException(503, str(error)) from error

    @app.post("/v1/chat")
    async def chat(request: ChatRequest) -> StreamingResponse:
        """Text in; text and speech out, as server-sent events."""
        return answer(request)

    @app.post("/v1/transcribe")
    async def transcribe(request: Request) -> dict:
        """A recording in any common format as the body; its text out."""
        segments = await recognise(await request.body())
        return {"text": join(segments), "segments": segments}

    @app.post("/v1/voice")
    async def voice(request: Request, speak: bool = True) -> StreamingResponse:
        """A spoken question in; the same events as /v1/chat out, after what was heard."""
        text = join(await recognise(await request.body()))
        if not text:
            raise HTTPException(422, "no speech was recognised")
        return answer(ChatRequest(text=text, speak=speak), type="heard", text=text)

    return app


def join(segments: list[dict]) -> str:
    return " ".join(segment["text"] for segment in segments).strip()


app = build(CoreSettings())
