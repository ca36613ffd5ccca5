"""The FastAPI application that each service starts from."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI

from morgan_shared import log
from morgan_shared.health import Health
from morgan_shared.settings import ServiceSettings

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None] | AsyncIterator[None]]


def create_app(
    name: str,
    settings: ServiceSettings,
    health: Callable[[], Health | Awaitable[Health]],
    lifespan: Lifespan | None = None,
) -> FastAPI:
    """An application with logging set up and GET /health in place."""
    log.configure(name, settings.log_level)
    app = FastAPI(title=f"Morgan {name}", lifespan=lifespan)

    @app.get("/health")
    async def get_health() -> Health:
        result = health()
        return await result if inspect.isawaitable(result) else result

    return app
