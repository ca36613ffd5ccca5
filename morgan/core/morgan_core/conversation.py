"""One turn of a conversation: the model's text streams out while its sentences are spoken."""

import asyncio
import base64
from collections.abc import AsyncIterator

from morgan_core.clients import ServiceError, Services
from morgan_core.sentences import SentenceSplitter

_END = None  # what a finished writer leaves in its queue


async def reply(services: Services, messages: list[dict], speak: bool) -> AsyncIterator[dict]:
    """Events of one answer, in the order they come to be:

    {"type": "text", "delta"}, {"type": "audio", "sample_rate", "pcm"}, {"type": "warning",
    "message"} when it cannot be spoken, and at last {"type": "done", "text"} or {"type": "error"}.
    """
    events: asyncio.Queue = asyncio.Queue()
    sentences: asyncio.Queue = asyncio.Queue()
    tasks = [asyncio.create_task(_write(services, messages, events, sentences))]
    if speak:
        tasks.append(asyncio.create_task(_speak(services, sentences, events)))
    running = len(tasks)
    last = {"type": "error", "message": "no answer"}
    try:
        while running:
            event = await events.get()
            if event is _END:
                running -= 1
            elif event["type"] in ("done", "error"):
                last = event  # speech may still be under way
            else:
                yield event
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    yield last


async def _write(services: Services, messages, events: asyncio.Queue, sentences: asyncio.Queue):
    splitter = SentenceSplitter()
    text = ""
    try:
        async for delta in services.generate(messages):
            text += delta
            await events.put({"type": "text", "delta": delta})
            for sentence in splitter.feed(delta):
                await sentences.put(sentence)
        for sentence in splitter.rest():
            await sentences.put(sentence)
        await events.put({"type": "done", "text": text})
    except ServiceError as error:
        await events.put({"type": "error", "message": str(error)})
    finally:
        await sentences.put(_END)
        await events.put(_END)


async def _speak(services: Services, sentences: asyncio.Queue, events: asyncio.Queue):
    try:
        while (sentence := await sentences.get()) is not _END:
            async for sample_rate, pcm in services.speak(sentence):
                encoded = base64.b64encode(pcm).decode()
                await events.put({"type": "audio", "sample_rate": sample_rate, "pcm": encoded})
    except ServiceError as error:
        # An answer that can be read is better than none.
        await events.put({"type": "warning", "message": str(error)})
    finally:
        await events.put(_END)
