import asyncio
import struct
import threading

import httpx
import pytest
import tiny_csm
import torch

from morgan_tts.app import build
from morgan_tts.frames import FrameDecoder
from morgan_tts.settings import TtsSettings
from morgan_tts.voice import Voice

FRAME_BYTES = 1920 * 2


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    tiny_csm.save(folder / "tiny")
    return folder


@pytest.fixture(scope="session")
def voice(models):
    return Voice.load(models / "tiny", "cpu", chunk_frames=4, max_seconds=0.8)


def speak(voice: Voice, cancelled: threading.Event, after: int | None = None) -> list[bytes]:
    chunks = []

    def emit(pcm: bytes) -> None:
        chunks.append(pcm)
        if len(chunks) == after:
            cancelled.set()

    voice.speak("Hello.", 0, emit, cancelled)
    return chunks


def client(models, name: str) -> tuple[httpx.AsyncClient, object]:
    settings = TtsSettings(
        models_dir=models, tts_model=name, tts_device="cpu", tts_chunk_frames=4, tts_max_seconds=0.8
    )
    app = build(settings)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tts"), app


async def until_loaded(tts: httpx.AsyncClient) -> dict:
    health = (await tts.get("/health")).json()
    while "the model is loading" in health["reasons"]:
        await asyncio.sleep(0.1)
        health = (await tts.get("/health")).json()
    return health


def test_sound_leaves_in_chunks_while_the_model_writes(voice):
    chunks = speak(voice, threading.Event())
    assert [len(chunk) // FRAME_BYTES for chunk in chunks] == [4, 4, 2]  # 0.8 s are ten frames


def test_a_listener_who_leaves_stops_the_model(voice):
    assert len(speak(voice, threading.Event(), after=1)) == 1


def test_decoding_in_pieces_sounds_like_decoding_at_once(voice):
    frames = torch.randint(0, tiny_csm.CODEC_SIZE, (12, tiny_csm.CODEBOOKS))
    codec = voice._model.codec_model
    whole = FrameDecoder(codec).decode(frames)
    decoder = FrameDecoder(codec)
    pieces = b"".join(decoder.decode(frames[start : start + 5]) for start in (0, 5, 10))
    assert len(pieces) == len(whole) == 12 * FRAME_BYTES
    count = len(whole) // 2
    pairs = zip(
        struct.unpack(f"<{count}h", pieces), struct.unpack(f"<{count}h", whole), strict=True
    )
    assert max(abs(a - b) for a, b in pairs) <= 1


async def test_speak_streams_a_wav_file(models):
    tts, app = client(models, "tiny")
    async with tts, app.router.lifespan_context(app):
        assert (await until_loaded(tts))["status"] == "ok"
        response = await tts.post("/v1/speak", json={"text": "Hello."})
    assert response.headers["content-type"] == "audio/wav"
    assert response.content[:4] == b"RIFF" and response.content[8:12] == b"WAVE"
    assert len(response.content) == 44 + 10 * FRAME_BYTES
    assert response.headers["x-sample-rate"] == "24000"


async def test_speak_streams_bare_pcm(models):
    tts, app = client(models, "tiny")
    async with tts, app.router.lifespan_context(app):
        await until_loaded(tts)
        response = await tts.post("/v1/speak", json={"text": "Hello.", "format": "pcm"})
    assert response.headers["content-type"] == "audio/L16;rate=24000;channels=1"
    assert len(response.content) == 10 * FRAME_BYTES


async def test_starts_degraded_without_a_model(models):
    tts, app = client(models, "absent")
    async with tts, app.router.lifespan_context(app):
        health = await until_loaded(tts)
        response = await tts.post("/v1/speak", json={"text": "Hello."})
    assert health["status"] == "degraded"
    assert health["reasons"] == [f"model {models}/absent is missing"]
    assert response.status_code == 503


async def test_starts_degraded_with_a_damaged_model(models):
    (models / "damaged").mkdir(exist_ok=True)
    tts, app = client(models, "damaged")
    async with tts, app.router.lifespan_context(app):
        health = await until_loaded(tts)
    assert health["status"] == "degraded" and "load model" in health["reasons"][0]
