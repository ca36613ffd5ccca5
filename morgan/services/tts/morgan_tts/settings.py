from pathlib import Path
from typing import Literal

from morgan_shared.settings import ServiceSettings


class TtsSettings(ServiceSettings):
    tts_model: str = "csm-1b"
    tts_device: Literal["auto", "cuda", "cpu"] = "auto"
    # A frame is 80 ms: the first sound leaves after this many of them.
    tts_chunk_frames: int = 6
    tts_max_seconds: float = 30.0

    @property
    def model_path(self) -> Path:
        return self.models_dir / self.tts_model
