"""Server-sent events whose data is one JSON object each."""

import json
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

MEDIA_TYPE = "text/event-stream"


def encode(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


async def decode(lines: AsyncIterable[str]) -> AsyncIterator[dict[str, Any]]:
    """The objects in a stream of lines; comments, ids and event names are not used by Morgan."""
    async for line in lines:
        if line.startswith("data:"):
            yield json.loads(line[len("data:") :])
