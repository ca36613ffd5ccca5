import pytest
from morgan_shared import audio
from speech import silence, speech

from morgan_stt.segmenter import LONGEST, SAMPLE_RATE, Segmenter


def feed(segmenter: Segmenter, pcm: bytes, milliseconds: int = 100):
    pieces = audio.chunks(pcm, SAMPLE_RATE, milliseconds)
    return [utterance for piece in pieces for utterance in segmenter.feed(piece)]


def test_silence_is_no_utterance():
    segmenter = Segmenter(silence_ms=500)
    assert feed(segmenter, silence(3)) == []
    assert not segmenter.speaking
    assert segmenter.finish() == []


@pytest.mark.parametrize("milliseconds", [7, 100, 1000])
def test_a_pause_ends_an_utterance_however_the_audio_arrives(milliseconds):
    pcm = silence(1) + speech(1) + silence(1) + speech(1) + silence(1)
    utterances = feed(Segmenter(silence_ms=500), pcm, milliseconds)
    assert [round(utterance.start) for utterance in utterances] == [1, 3]
    for utterance in utterances:
        assert 1.0 <= utterance.end - utterance.start <= 2.0
        assert len(utterance.samples) == pytest.approx(
            (utterance.end - utterance.start) * SAMPLE_RATE, abs=SAMPLE_RATE / 50
        )


def test_the_end_of_the_stream_ends_an_utterance():
    segmenter = Segmenter(silence_ms=500)
    assert feed(segmenter, speech(1)) == []
    assert segmenter.speaking
    assert len(segmenter.finish()) == 1


def test_whoever_never_pauses_is_cut_before_whisper_stops_listening():
    utterances = feed(Segmenter(silence_ms=500), speech(31))
    assert max(len(utterance.samples) for utterance in utterances) <= LONGEST + SAMPLE_RATE
