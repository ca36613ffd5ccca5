"""The Whisper model: an utterance in, text out."""

import logging
import threading
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel

from morgan_stt import cuda

log = logging.getLogger(__name__)


class Recogniser:
    def __init__(self, model: WhisperModel, language: str | None):
        self._model = model
        self._language = language
        self._lock = threading.Lock()  # streams take turns on one GPU
        self.device = model.model.device

    @classmethod
    def load(cls, path: Path, device: str, language: str | None) -> "Recogniser":
        if device == "auto":
            device = "cuda" if cuda.available() else "cpu"
        if device == "cuda":
            cuda.preload_cublas()
        logging.getLogger("faster_whisper").setLevel(logging.WARNING)  # a line per utterance
        log.info("loading %s on %s", path, device)
        compute_type = "float16" if device == "cuda" else "int8"
        model = WhisperModel(
            str(path), device=device, compute_type=compute_type, local_files_only=True
        )
        return cls(model, language)

    def recognise(self, samples: np.ndarray, quick: bool = False) -> str:
        """`quick` trades accuracy for speed: for text that will be replaced soon."""
        with self._lock:
            segments, _ = self._model.transcribe(
                samples,
                language=self._language,
                beam_size=1 if quick else 5,
                # Final text is tried again, less greedily, where the model repeats itself.
                temperature=0.0 if quick else [0.0, 0.2, 0.4, 0.6, 0.8, 1.0],
                condition_on_previous_text=False,
                without_timestamps=True,
            )
            return "".join(segment.text for segment in segments).strip()
