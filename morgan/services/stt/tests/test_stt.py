import time

import pytest
import tiny_whisper
from fastapi.testclient import TestClient
from morgan_shared import audio
from speech import RATE, silence, speech

from morgan_stt.app import build
from morgan_stt.settings import SttSettings


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    tiny_whisper.save(folder / "tiny", tmp_path_factory.mktemp("work"))
    return folder


def client(models, name: str) -> TestClient:
    return TestClient(build(SttSettings(models_dir=models, stt_model=name, stt_device="cpu")))


def until_loaded(stt: TestClient) -> dict:
    while "the model is loading" in (health := stt.get("/health").json())["reasons"]:
        time.sleep(0.05)
    return health


def send(socket, pcm: bytes) -> None:
    for chunk in audio.chunks(pcm, RATE, 100):
        socket.send_bytes(chunk)


def events_until_done(socket) -> list[dict]:
    events = []
    while not events or events[-1]["type"] not in ("done", "error"):
        events.append(socket.receive_json())
    return events


def test_a_stream_is_recognised_utterance_by_utterance(models):
    with client(models, "tiny") as stt:
        assert until_loaded(stt)["status"] == "ok"
        with stt.websocket_connect("/v1/stream") as socket:
            send(socket, silence(0.5) + speech(2.5) + silence(1) + speech(1) + silence(0.2))
            socket.send_json({"type": "end"})
            events = events_until_done(socket)
    kinds = [event["type"] for event in events]
    assert kinds[0] == "speech" and kinds[-1] == "done"
    assert kinds.count("speech") == kinds.count("final") == 2
    assert "partial" in kinds[: kinds.index("final")]
    first, second = (event for event in events if event["type"] == "final")
    assert first["text"] and second["text"]
    assert first["start"] < first["end"] <= second["start"] < second["end"]


def test_two_clients_do_not_disturb_each_other(models):
    with client(models, "tiny") as stt:
        until_loaded(stt)
        with stt.websocket_connect("/v1/stream") as one, stt.websocket_connect("/v1/stream") as two:
            send(one, speech(1))
            send(two, silence(1))
            for socket in (one, two):
                socket.send_json({"type": "end"})
            assert "final" in [event["type"] for event in events_until_done(one)]
            assert [event["type"] for event in events_until_done(two)] == ["done"]


def test_nonsense_is_refused(models):
    with client(models, "tiny") as stt:
        until_loaded(stt)
        with stt.websocket_connect("/v1/stream") as socket:
            socket.send_text("hello")
            assert socket.receive_json()["type"] == "error"


def test_starts_degraded_without_a_model(models):
    with client(models, "absent") as stt:
        health = until_loaded(stt)
        assert health["status"] == "degraded"
        assert health["reasons"] == [f"model {models}/absent is missing"]
        with stt.websocket_connect("/v1/stream") as socket:
            assert socket.receive_json() == {"type": "error", "message": health["reasons"][0]}


def test_starts_degraded_with_a_damaged_model(models):
    (models / "damaged").mkdir(exist_ok=True)
    with client(models, "damaged") as stt:
        health = until_loaded(stt)
    assert health["status"] == "degraded" and "load model" in health["reasons"][0]
