"""One client's stream: audio in, what is recognised out."""

import asyncio
from collections.abc import Awaitable, Callable

from morgan_stt.recogniser import Recogniser
from morgan_stt.segmenter import SAMPLE_RATE, Segmenter, Utterance

Send = Callable[[dict], Awaitable[None]]


class Session:
    def __init__(self, recogniser: Recogniser, send: Send, silence_ms: int, partial_seconds: float):
        self._recogniser = recogniser
        self._send = send
        self._segmenter = Segmenter(silence_ms)
        self._partial_samples = int(partial_seconds * SAMPLE_RATE)
        self._told = 0  # samples of the current utterance that the last partial text covered

    async def hear(self, pcm: bytes) -> None:
        was_speaking = self._segmenter.speaking
        for utterance in self._segmenter.feed(pcm):
            await self._finish(utterance)
        if not self._segmenter.speaking:
            return
        if not was_speaking:
            await self._send({"type": "speech"})
        current = self._segmenter.current()
        if len(current.samples) - self._told >= self._partial_samples:
            self._told = len(current.samples)
            if text := await self._recognise(current, quick=True):
                await self._send({"type": "partial", "text": text})

    async def end(self) -> None:
        for utterance in self._segmenter.finish():
            await self._finish(utterance)
        await self._send({"type": "done"})

    async def _finish(self, utterance: Utterance) -> None:
        self._told = 0
        text = await self._recognise(utterance, quick=False)
        times = {"start": utterance.start, "end": utterance.end}
        await self._send({"type": "final", "text": text, **times})

    async def _recognise(self, utterance: Utterance, quick: bool) -> str:
        return await asyncio.to_thread(self._recogniser.recognise, utterance.samples, quick)
