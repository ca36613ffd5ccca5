"""From the model's audio frames to sound, while the model still writes.

CSM writes one frame of codebook ids every 80 ms of sound; its codec, Mimi, decodes them. Mimi is
causal: a frame's samples depend on earlier frames only. So new frames are decoded together with
some of those before them, and only the new samples are kept.
"""

import threading
from collections.abc import Callable

import torch
from transformers.generation.streamers import BaseStreamer

CONTEXT_FRAMES = 25  # 2 s: more makes no audible difference


class FrameDecoder:
    """Decodes consecutive frames to 16-bit PCM."""

    def __init__(self, codec, context_frames: int = CONTEXT_FRAMES):
        self._codec = codec
        self._context_frames = context_frames
        self._frame_samples = int(codec.config.sampling_rate / codec.config.frame_rate)
        self._context: torch.Tensor | None = None

    @torch.inference_mode()
    def decode(self, frames: torch.Tensor) -> bytes:
        """`frames`: codebook ids, one row per frame."""
        known = frames if self._context is None else torch.cat([self._context, frames])
        self._context = known[-self._context_frames :] if self._context_frames else None
        # CSM has a few ids more than its codec: padding, which means nothing as sound.
        codes = known.clamp(max=self._codec.config.codebook_size - 1)
        codes = codes.T.unsqueeze(0).to(self._codec.device)
        samples = self._codec.decode(codes).audio_values[0, 0]
        samples = samples[-len(frames) * self._frame_samples :].float().clamp(-1, 1)
        return (samples * 32767).to(torch.int16).cpu().numpy().tobytes()


class Cancelled(Exception):
    """Nobody listens any more."""


class FrameStreamer(BaseStreamer):
    """What generate() puts frames into: every few of them leave as sound.

    Once `cancelled` is set, the next frame raises Cancelled, through generate(): CSM's generation
    takes no stopping criteria of ours.
    """

    def __init__(
        self,
        decoder: FrameDecoder,
        end_id: int,
        chunk_frames: int,
        emit: Callable[[bytes], None],
        cancelled: threading.Event,
    ):
        self._decoder = decoder
        self._end_id = end_id
        self._chunk_frames = chunk_frames
        self._emit = emit
        self._cancelled = cancelled
        self._pending: list[torch.Tensor] = []
        self._prompt_seen = False

    def put(self, value: torch.Tensor) -> None:
        if self._cancelled.is_set():
            raise Cancelled
        if not self._prompt_seen:  # generate() begins with the prompt
            self._prompt_seen = True
            return
        frame = value[0]
        if (frame == self._end_id).all():
            return
        self._pending.append(frame)
        if len(self._pending) == self._chunk_frames:
            self._flush()

    def end(self) -> None:
        if self._pending:
            self._flush()

    def _flush(self) -> None:
        self._emit(self._decoder.decode(torch.stack(self._pending)))
        self._pending.clear()
