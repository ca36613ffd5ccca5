import io
import json
import logging
import wave

from morgan_shared import audio, healthcheck, log, sse
from morgan_shared.health import Health, Status
from morgan_shared.service import create_app
from morgan_shared.settings import ServiceSettings
from morgan_testing import serve, tone


def test_wav_header_is_read_by_the_standard_library():
    pcm = tone(24000, 0.5)
    file = io.BytesIO(audio.wav_header(24000, len(pcm)) + pcm)
    with wave.open(file) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (24000, 1, 2)
        assert wav.readframes(wav.getnframes()) == pcm


def test_chunks_join_to_the_whole():
    pcm = tone(16000, 0.25)
    pieces = list(audio.chunks(pcm, 16000, 100))
    assert [len(piece) for piece in pieces] == [3200, 3200, 1600]
    assert b"".join(pieces) == pcm
    assert audio.seconds(pcm, 16000) == 0.25


async def test_events_survive_encoding():
    events = [{"delta": "zwölf\nlines"}, {"done": True}]

    async def lines():
        for line in "".join(map(sse.encode, events)).splitlines():
            yield line

    assert [event async for event in sse.decode(lines())] == events


def test_degrading_keeps_every_reason():
    health = Health(service="x")
    assert health.status is Status.OK
    health.degrade("no model")
    health.degrade("no GPU")
    assert (health.status, health.reasons) == (Status.DEGRADED, ["no model", "no GPU"])


def test_log_lines_are_json(capsys):
    log.configure("core", "info")
    logging.getLogger("a").info("said %s", "hello")
    entry = json.loads(capsys.readouterr().out)
    assert (entry["service"], entry["level"], entry["message"]) == ("core", "INFO", "said hello")


def test_healthcheck_tells_a_live_service_from_a_dead_one():
    app = create_app("x", ServiceSettings(), lambda: Health(service="x"))
    with serve(app) as address:
        port = address.split(":")[1]
        assert healthcheck.main(port) == 0
    assert healthcheck.main(port) == 1
