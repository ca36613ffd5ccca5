from morgan_shared.settings import ServiceSettings


class LlmSettings(ServiceSettings):
    """The endpoint may be any that speaks OpenAI's API: a vendor's, or Ollama or vLLM at home."""

    llm_base_url: str = ""
    llm_api_key: str = "none"
    llm_model: str = ""
