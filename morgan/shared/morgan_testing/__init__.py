"""Helpers for the services' tests; not part of any image."""

import math
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI


@contextmanager
def serve(app: FastAPI) -> Iterator[str]:
    """Serves `app` on a free loopback port; yields "127.0.0.1:PORT"."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()  # clients may connect from now on, though the server is still starting
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def tone(sample_rate: int, seconds: float, hertz: float = 440.0) -> bytes:
    """A sine tone as 16-bit PCM."""
    count = int(sample_rate * seconds)
    samples = (int(20000 * math.sin(2 * math.pi * hertz * i / sample_rate)) for i in range(count))
    return struct.pack(f"<{count}h", *samples)
