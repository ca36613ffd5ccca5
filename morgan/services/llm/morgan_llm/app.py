"""Streams answers from an OpenAI-compatible endpoint: uvicorn morgan_llm.app:app"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from morgan_shared import sse
from morgan_shared.health import Health
from morgan_shared.service import create_app
from openai import AsyncOpenAI, OpenAIError
from pydantic import BaseModel, Field

from morgan_llm.settings import LlmSettings

HEALTH_TIMEOUT_S = 2.0
log = logging.getLogger(__name__)


class Message(BaseModel):
    role: Literal["system", "user", "assistant"]
    content: str


class GenerateRequest(BaseModel):
    messages: list[Message] = Field(min_length=1)
    temperature: float = Field(default=0.7, ge=0, le=2)
    max_tokens: int = Field(default=1024, gt=0)


def build(settings: LlmSettings) -> FastAPI:
    # The library insists on an address; without one configured, no request is ever sent.
    client = AsyncOpenAI(
        base_url=settings.llm_base_url or "http://unconfigured.invalid",
        api_key=settings.llm_api_key,
    )

    def missing() -> list[str]:
        names = {
            "MORGAN_LLM_BASE_URL": settings.llm_base_url,
            "MORGAN_LLM_MODEL": settings.llm_model,
        }
        return [f"{name} is not set" for name, value in names.items() if not value]

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await client.close()

    async def health() -> Health:
        result = Health(service="llm", details={"model": settings.llm_model})
        for reason in missing():
            result.degrade(reason)
        if not result.reasons:
            try:
                await client.with_options(timeout=HEALTH_TIMEOUT_S, max_retries=0).models.list()
            except OpenAIError as error:
                result.degrade(f"{settings.llm_base_url}: {error}")
        return result

    app = create_app("llm", settings, health, lifespan)

    @app.post("/v1/generate")
    async def generate(request: GenerateRequest) -> StreamingResponse:
        """Server-sent events: {"delta"} for each piece of text, then {"done", "finish_reason"};
        {"error"} if the endpoint fails, before or in the middle of the answer."""
        if reasons := missing():
            raise HTTPException(503, "; ".join(reasons))
        return StreamingResponse(events(request), media_type=sse.MEDIA_TYPE)

    async def events(request: GenerateRequest) -> AsyncIterator[str]:
        finish_reason = None
        try:
            stream = await client.chat.completions.create(
                model=settings.llm_model,
                messages=[message.model_dump() for message in request.messages],
                temperature=request.temperature,
                max_tokens=request.max_tokens,
                stream=True,
            )
            async for chunk in stream:
                for choice in chunk.choices:
                    if choice.delta.content:
                        yield sse.encode({"delta": choice.delta.content})
                    finish_reason = choice.finish_reason or finish_reason
        except OpenAIError as error:
            log.warning("the endpoint failed: %s", error)
            yield sse.encode({"error": str(error)})
            return
        yield sse.encode({"done": True, "finish_reason": finish_reason})

    return app


app = build(LlmSettings())
