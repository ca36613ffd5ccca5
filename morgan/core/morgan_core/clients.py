"""Clients of the other three services."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import websockets
from morgan_shared import audio, sse
from morgan_shared.health import Health, Status

from morgan_core.settings import CoreSettings

HEALTH_TIMEOUT = httpx.Timeout(3.0)
# A model may take long to say its first word; connecting may not.
STREAM_TIMEOUT = httpx.Timeout(120.0, connect=5.0)
STT_SAMPLE_RATE = 16000


class ServiceError(Exception):
    """Another service could not be reached or refused; the text says which and why."""


class Services:
    def __init__(self, settings: CoreSettings):
        self._settings = settings
        self._http = httpx.AsyncClient(timeout=STREAM_TIMEOUT)

    async def close(self) -> None:
        await self._http.aclose()

    async def health(self) -> dict[str, Health]:
        """The state of each service, asked in parallel."""
        addresses = {
            "llm": self._settings.llm_url,
            "tts": self._settings.tts_url,
            "stt": self._settings.stt_url.replace("ws", "http", 1),
        }
        answers = await asyncio.gather(*(self._ask(*item) for item in addresses.items()))
        return dict(zip(addresses, answers, strict=True))

    async def generate(self, messages: list[dict]) -> AsyncIterator[str]:
        """The language model's answer, piece by piece."""
        url = f"{self._settings.llm_url}/v1/generate"
        try:
            async with self._http.stream("POST", url, json={"messages": messages}) as response:
                await raise_for_status("llm", response)
                async for event in sse.decode(response.aiter_lines()):
                    if "error" in event:
                        raise ServiceError(f"llm: {event['error']}")
                    if "delta" in event:
                        yield event["delta"]
        except httpx.HTTPError as error:
            raise ServiceError(f"llm: {describe(error)}") from error

    async def speak(self, text: str) -> AsyncIterator[tuple[int, bytes]]:
        """(sample rate, PCM) chunks of `text` spoken."""
        url = f"{self._settings.tts_url}/v1/speak"
        body = {"text": text, "format": "pcm"}
        try:
            async with self._http.stream("POST", url, json=body) as response:
                await raise_for_status("tts", response)
                sample_rate = int(response.headers["x-sample-rate"])
                async for chunk in response.aiter_bytes():
                    yield sample_rate, chunk
        except httpx.HTTPError as error:
            raise ServiceError(f"tts: {describe(error)}") from error

    async def transcribe(self, pcm: bytes) -> list[dict]:
        """The final segments ({"text", "start", "end"}) recognised in 16 kHz PCM."""
        url = f"{self._settings.stt_url}/v1/stream"
        segments = []
        try:
            async with websockets.connect(url) as socket:
                for chunk in audio.chunks(pcm, STT_SAMPLE_RATE, 100):
                    await socket.send(chunk)
                await socket.send(json.dumps({"type": "end"}))
                async for message in socket:
                    event = json.loads(message)
                    if event["type"] == "error":
                        raise ServiceError(f"stt: {event['message']}")
                    if event["type"] == "final":
                        segments.append({key: event[key] for key in ("text", "start", "end")})
        except (OSError, websockets.WebSocketException) as error:
            raise ServiceError(f"stt: {describe(error)}") from error
        return segments

    async def _ask(self, name: str, address: str) -> Health:
        try:
            response = await self._http.get(f"{address}/health", timeout=HEALTH_TIMEOUT)
            response.raise_for_status()
            return Health.model_validate(response.json())
        except (httpx.HTTPError, ValueError) as error:
            return Health(service=name, status=Status.UNREACHABLE, reasons=[describe(error)])


async def raise_for_status(service: str, response: httpx.Response) -> None:
    if response.is_error:
        body = (await response.aread()).decode(errors="replace")
        raise ServiceError(f"{service}: HTTP {response.status_code}: {body}")


def describe(error: Exception) -> str:
    return str(error) or type(error).__name__
