from pathlib import Path
from typing import Literal

from morgan_shared.settings import ServiceSettings


class SttSettings(ServiceSettings):
    stt_model: str = "faster-whisper-large-v3"
    stt_device: Literal["auto", "cuda", "cpu"] = "auto"
    stt_language: str | None = None  # None: detected in every utterance
    # While somebody speaks, what was heard so far is recognised again this often.
    stt_partial_seconds: float = 1.0
    stt_silence_ms: int = 500  # a pause this long ends an utterance

    @property
    def model_path(self) -> Path:
        return self.models_dir / self.stt_model
