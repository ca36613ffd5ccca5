"""What every service answers at GET /health.

A service that lacks something, a model or another service, still starts and still answers 200:
`degraded` with the reasons. Only a process that does not answer at all is unhealthy.
"""

from enum import Enum
from typing import Any

from pydantic import BaseModel, Field


class Status(str, Enum):
    OK = "ok"
    DEGRADED = "degraded"
    UNREACHABLE = "unreachable"


class Health(BaseModel):
    service: str
    status: Status = Status.OK
    reasons: list[str] = Field(default_factory=list)
    details: dict[str, Any] = Field(default_factory=dict)

    def degrade(self, reason: str) -> None:
        self.status = Status.DEGRADED
        self.reasons.append(reason)
