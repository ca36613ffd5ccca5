"""Settings come from environment variables: compose.yaml sets them, the defaults suit a laptop."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Base of each service's settings; a subclass adds its own fields."""

    model_config = SettingsConfigDict(env_prefix="MORGAN_", extra="ignore")

    log_level: str = "INFO"
    models_dir: Path = Path("/models")
