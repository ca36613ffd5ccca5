"""llm against a small OpenAI-compatible server on loopback."""

import json

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse
from morgan_shared import sse
from morgan_testing import serve

from morgan_llm.app import build
from morgan_llm.settings import LlmSettings

MESSAGES = [{"role": "user", "content": "Hi"}]


def refusal(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": {"message": message, "type": "invalid_request_error"}}, status)


class Endpoint:
    def __init__(self):
        self.app = FastAPI()
        self.request = None
        self.app.get("/v1/models")(self.models)
        self.app.post("/v1/chat/completions")(self.completions)

    async def models(self, request: Request):
        if request.headers["authorization"] != "Bearer secret":
            return refusal(401, "wrong key")
        return {"object": "list", "data": [{"id": "tiny", "object": "model"}]}

    async def completions(self, request: Request):
        self.request = await request.json()
        if self.request["model"] != "tiny":
            return refusal(404, "no such model")
        return StreamingResponse(self.stream(), media_type="text/event-stream")

    def stream(self):
        for delta, finish in (("Good ", None), ("evening", None), ("", "stop")):
            choice = {"index": 0, "delta": {"content": delta}, "finish_reason": finish}
            chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "tiny"}
            yield f"data: {json.dumps(chunk | {'choices': [choice]})}\n\n"
        yield "data: [DONE]\n\n"


@pytest.fixture(scope="module")
def running():
    endpoint = Endpoint()
    with serve(endpoint.app) as address:
        yield endpoint, f"http://{address}/v1"


def client(base_url: str, model: str = "tiny", key: str = "secret") -> httpx.AsyncClient:
    settings = LlmSettings(llm_base_url=base_url, llm_model=model, llm_api_key=key)
    transport = httpx.ASGITransport(build(settings))
    return httpx.AsyncClient(transport=transport, base_url="http://llm")


async def generate(llm: httpx.AsyncClient, **options) -> list[dict]:
    response = await llm.post("/v1/generate", json={"messages": MESSAGES} | options)
    assert response.status_code == 200, response.text
    return [event async for event in sse.decode(response.aiter_lines())]


async def test_streams_the_answer(running):
    async with client(running[1]) as llm:
        events = await generate(llm, temperature=0.1)
    assert [event["delta"] for event in events[:-1]] == ["Good ", "evening"]
    assert events[-1] == {"done": True, "finish_reason": "stop"}
    sent = running[0].request
    assert (sent["messages"], sent["temperature"], sent["stream"]) == (MESSAGES, 0.1, True)


async def test_reports_the_endpoints_refusal(running):
    async with client(running[1], model="huge") as llm:
        events = await generate(llm)
    assert len(events) == 1 and "no such model" in events[0]["error"]


async def test_health_is_ok_when_the_endpoint_answers(running):
    async with client(running[1]) as llm:
        health = (await llm.get("/health")).json()
    assert (health["status"], health["details"]) == ("ok", {"model": "tiny"})


async def test_health_tells_a_wrong_key(running):
    async with client(running[1], key="other") as llm:
        health = (await llm.get("/health")).json()
    assert health["status"] == "degraded" and "wrong key" in health["reasons"][0]


async def test_starts_degraded_when_nothing_is_configured():
    async with client("", model="") as llm:
        health = await llm.get("/health")
        answer = await llm.post("/v1/generate", json={"messages": MESSAGES})
    assert health.status_code == 200
    assert health.json()["reasons"] == [
        "MORGAN_LLM_BASE_URL is not set",
        "MORGAN_LLM_MODEL is not set",
    ]
    assert answer.status_code == 503
