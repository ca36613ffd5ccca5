from morgan_shared.settings import ServiceSettings


class CoreSettings(ServiceSettings):
    llm_url: str = "http://llm-service:8001"
    tts_url: str = "http://tts-service:8002"
    stt_url: str = "ws://stt-service:8003"
    system_prompt: str = (
        "You are Morgan, a helpful assistant. Your answers are read aloud: be brief."
    )
