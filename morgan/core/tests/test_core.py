"""core against the three other services, each a small server on loopback."""

import base64
import json

import httpx
import pytest
from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import StreamingResponse
from morgan_shared import audio, sse
from morgan_testing import serve, tone

from morgan_core.app import build
from morgan_core.settings import CoreSettings


class Others:
    """llm, tts and stt in one application; notes what core asked of them."""

    def __init__(self):
        self.app = FastAPI()
        self.messages = None
        self.spoken = []
        self.heard = b""
        self.app.get("/health")(self.health)
        self.app.post("/v1/generate")(self.generate)
        self.app.post("/v1/speak")(self.speak)
        self.app.websocket("/v1/stream")(self.stream)

    async def health(self):
        return {"service": "other", "status": "ok"}

    async def generate(self, request: Request):
        self.messages = (await request.json())["messages"]
        deltas = ["Hello", " there. How", " are you?"]
        events = [{"delta": delta} for delta in deltas] + [{"done": True}]
        return StreamingResponse(map(sse.encode, events), media_type=sse.MEDIA_TYPE)

    async def speak(self, request: Request):
        text = (await request.json())["text"]
        self.spoken.append(text)
        return StreamingResponse(iter([text.encode()]), headers={"x-sample-rate": "24000"})

    async def stream(self, socket: WebSocket):
        await socket.accept()
        while (message := await socket.receive()).get("bytes"):
            self.heard += message["bytes"]
        assert json.loads(message["text"]) == {"type": "end"}
        final = {"type": "final", "text": "good morning", "start": 0.0, "end": 1.0}
        for event in ({"type": "partial", "text": "good"}, final, {"type": "done"}):
            await socket.send_json(event)
        await socket.close()


@pytest.fixture(scope="module")
def running():
    others = Others()
    with serve(others.app) as address:
        yield others, address


@pytest.fixture
def others(running):
    others = running[0]
    others.spoken.clear()
    others.heard = b""
    return others


def client(address: str, **settings) -> httpx.AsyncClient:
    urls = {"llm_url": f"http://{address}", "tts_url": f"http://{address}"}
    urls["stt_url"] = f"ws://{address}"
    app = build(CoreSettings(**(urls | settings)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://core")


async def events_of(response: httpx.Response) -> list[dict]:
    assert response.status_code == 200, response.text
    return [event async for event in sse.decode(response.aiter_lines())]


async def test_health_is_ok_when_all_services_are(running):
    async with client(running[1]) as core:
        health = (await core.get("/health")).json()
    assert (health["service"], health["status"], health["reasons"]) == ("core", "ok", [])
    assert set(health["details"]["services"]) == {"llm", "tts", "stt"}


async def test_health_names_the_service_that_is_missing(running):
    async with client(running[1], tts_url="http://127.0.0.1:1") as core:
        response = await core.get("/health")
    health = response.json()
    assert (response.status_code, health["status"]) == (200, "degraded")
    assert health["details"]["services"]["tts"]["status"] == "unreachable"
    assert [reason.split(":")[0] for reason in health["reasons"]] == ["tts is unreachable"]


async def test_chat_streams_text_and_speaks_it_sentence_by_sentence(running, others):
    async with client(running[1]) as core:
        events = await events_of(await core.post("/v1/chat", json={"text": "Hi"}))
    assert others.messages[-1] == {"role": "user", "content": "Hi"}
    assert others.messages[0]["role"] == "system"
    assert others.spoken == ["Hello there.", "How are you?"]
    assert events[-1] == {"type": "done", "text": "Hello there. How are you?"}
    audio_events = [event for event in events if event["type"] == "audio"]
    assert b"".join(base64.b64decode(e["pcm"]) for e in audio_events) == b"Hello there.How are you?"
    assert {event["sample_rate"] for event in audio_events} == {24000}


async def test_chat_can_be_silent(running, others):
    async with client(running[1]) as core:
        events = await events_of(await core.post("/v1/chat", json={"text": "Hi", "speak": False}))
    assert {event["type"] for event in events} == {"text", "done"}
    assert others.spoken == []


async def test_chat_answers_in_text_when_speech_is_down(running):
    async with client(running[1], tts_url="http://127.0.0.1:1") as core:
        events = await events_of(await core.post("/v1/chat", json={"text": "Hi"}))
    assert events[-1]["type"] == "done"
    assert [event["message"][:4] for event in events if event["type"] == "warning"] == ["tts:"]


async def test_chat_says_when_the_model_is_down(running):
    async with client(running[1], llm_url="http://127.0.0.1:1") as core:
        events = await events_of(await core.post("/v1/chat", json={"text": "Hi"}))
    assert events[-1]["type"] == "error" and events[-1]["message"].startswith("llm:")


async def test_transcribe_sends_decoded_audio_to_speech_recognition(running, others):
    pcm = tone(48000, 1.0)
    recording = audio.wav_header(48000, len(pcm)) + pcm
    async with client(running[1]) as core:
        answer = (await core.post("/v1/transcribe", content=recording)).json()
    assert answer["text"] == "good morning"
    assert audio.seconds(others.heard, 16000) == pytest.approx(1.0, abs=0.01)


async def test_voice_answers_what_was_heard(running, others):
    pcm = tone(16000, 0.2)
    recording = audio.wav_header(16000, len(pcm)) + pcm
    async with client(running[1]) as core:
        events = await events_of(await core.post("/v1/voice", content=recording))
    assert events[0] == {"type": "heard", "text": "good morning"}
    assert others.messages[-1]["content"] == "good morning"
    assert events[-1]["type"] == "done"


async def test_transcribe_refuses_what_is_not_audio(running):
    async with client(running[1]) as core:
        response = await core.post("/v1/transcribe", content=b"not audio")
    assert response.status_code == 422 and "decode the recording" in response.text
