"""Cuts a stream of audio into utterances with Silero VAD."""

from dataclasses import dataclass

import numpy as np
from silero_vad import VADIterator, load_silero_vad

SAMPLE_RATE = 16000
WINDOW = 512  # samples; what Silero VAD takes at 16 kHz
# Kept before the first sound, since speech is noticed a little late.
LEAD = SAMPLE_RATE // 5
# Whisper hears at most 30 s at a time.
LONGEST = 29 * SAMPLE_RATE


@dataclass
class Utterance:
    samples: np.ndarray  # float32, -1 to 1
    start: float  # seconds since the stream began
    end: float


class Segmenter:
    """State of one stream. feed() takes PCM of any length and returns the utterances it ends."""

    def __init__(self, silence_ms: int):
        # The model remembers what it heard: each stream has its own.
        model = load_silero_vad(onnx=True)
        self._vad = VADIterator(
            model, sampling_rate=SAMPLE_RATE, min_silence_duration_ms=silence_ms
        )
        self._rest = b""
        self._kept = np.zeros(0, np.float32)  # the utterance, or the lead while there is none
        self._position = 0  # samples seen
        self.speaking = False

    def feed(self, pcm: bytes) -> list[Utterance]:
        data = self._rest + pcm
        size = WINDOW * 2
        whole = len(data) // size * size
        self._rest = data[whole:]
        samples = np.frombuffer(data[:whole], "<i2").astype(np.float32) / 32768
        ended = []
        for window in samples.reshape(-1, WINDOW):
            ended += self._take(window)
        return ended

    def finish(self) -> list[Utterance]:
        """The utterance under way when the stream ends."""
        return [self._cut()] if self.speaking else []

    def current(self) -> Utterance:
        """What was heard so far of the utterance under way."""
        return Utterance(self._kept, self._seconds(len(self._kept)), self._seconds(0))

    def _take(self, window: np.ndarray) -> list[Utterance]:
        self._position += WINDOW
        self._kept = np.concatenate([self._kept, window])
        event = self._vad(window) or {}
        if "start" in event:
            self.speaking = True
        if self.speaking and ("end" in event or len(self._kept) >= LONGEST):
            utterance = self._cut()
            self.speaking = self._vad.triggered  # a long one goes on in the next
            return [utterance]
        if not self.speaking:
            self._kept = self._kept[-LEAD:]
        return []

    def _cut(self) -> Utterance:
        utterance = self.current()
        self._kept = np.zeros(0, np.float32)
        self.speaking = False
        return utterance

    def _seconds(self, samples_ago: int) -> float:
        return round((self._position - samples_ago) / SAMPLE_RATE, 2)
