FROM python:3.11-slim
WORKDIR /app
RUN apt-get update
RUN apt-get install -y --no-install-recommends \
        less \
    && rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir uv==0.13.9
ADD . .
RUN cd services/tts \
    && uv sync --frozen --no-dev --no-cache
USER nobody
CMD ["services/tts/.venv/bin/uvicorn", "morgan_tts.app:app", "--host", "0.0.0.0", "--port", "8002"]
