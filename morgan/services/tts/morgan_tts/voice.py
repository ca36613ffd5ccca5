"""The CSM model: text in, sound out."""

import contextlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import AutoProcessor, CsmForConditionalGeneration

from morgan_tts.frames import Cancelled, FrameDecoder, FrameStreamer

log = logging.getLogger(__name__)


class Voice:
    def __init__(self, processor, model, chunk_frames: int, max_seconds: float):
        self._processor = processor
        self._model = model
        self._chunk_frames = chunk_frames
        codec = model.codec_model.config
        self.sample_rate = codec.sampling_rate
        self.device = model.device.type
        self._max_frames = int(max_seconds * codec.frame_rate)
        self._lock = threading.Lock()  # one generation at a time: they would share one GPU

    @classmethod
    def load(cls, path: Path, device: str, chunk_frames: int, max_seconds: float) -> "Voice":
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = torch.bfloat16 if device == "cuda" else torch.float32
        log.info("loading %s on %s", path, device)
        processor = AutoProcessor.from_pretrained(path, local_files_only=True)
        model = CsmForConditionalGeneration.from_pretrained(
            path, dtype=dtype, local_files_only=True
        )
        return cls(processor, model.to(device).eval(), chunk_frames, max_seconds)

    def speak(
        self,
        text: str,
        speaker: int,
        emit: Callable[[bytes], None],
        cancelled: threading.Event,
    ) -> None:
        """Calls emit(PCM) from this thread as the sound comes to be; returns when it is complete
        or `cancelled` is set."""
        inputs = self._processor(f"[{speaker}]{text}", add_special_tokens=True)
        streamer = FrameStreamer(
            FrameDecoder(self._model.codec_model),
            self._model.config.codebook_eos_token_id,
            self._chunk_frames,
            emit,
            cancelled,
        )
        with self._lock, torch.inference_mode(), contextlib.suppress(Cancelled):
            self._model.generate(
                **inputs.to(self._model.device),
                max_new_tokens=self._max_frames,
                streamer=streamer,
            )
