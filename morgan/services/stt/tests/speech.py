"""Sound that Silero VAD takes for speech: vowels, one after another."""

import numpy as np

RATE = 16000
# Formants (frequency, bandwidth, strength) of a, i and u.
VOWELS = (
    ((700, 80, 1.0), (1200, 90, 0.6), (2600, 120, 0.3)),
    ((300, 60, 1.0), (2300, 100, 0.5), (3000, 120, 0.3)),
    ((320, 60, 1.0), (800, 80, 0.6), (2200, 120, 0.2)),
)


def speech(seconds: float, syllable: float = 0.25) -> bytes:
    count = int(seconds * RATE)
    time = np.arange(count) / RATE
    pitch = np.cumsum(130 + 25 * np.sin(2 * np.pi * 1.7 * time)) / RATE
    pulses = np.diff(np.floor(pitch), prepend=0.0)
    voices = [sum(resonate(pulses, *formant) for formant in vowel) for vowel in VOWELS]
    which = (time / syllable).astype(int) % len(VOWELS)
    loudness = 0.2 + 0.8 * np.sin(np.pi * (time / syllable % 1))
    sound = np.choose(which, voices) * loudness
    return to_pcm(sound / np.abs(sound).max() * 0.6)


def silence(seconds: float) -> bytes:
    return bytes(int(seconds * RATE) * 2)


def resonate(pulses: np.ndarray, hertz: float, bandwidth: float, strength: float) -> np.ndarray:
    time = np.arange(800) / RATE
    ringing = np.exp(-np.pi * bandwidth * time) * np.sin(2 * np.pi * hertz * time)
    return strength * np.convolve(pulses, ringing)[: len(pulses)]


def to_pcm(samples: np.ndarray) -> bytes:
    return (samples * 32767).astype("<i2").tobytes()
