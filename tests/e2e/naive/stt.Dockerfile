FROM python:3.11-slim
ENV UV_PROJECT_ENVIRONMENT=/opt/venv
WORKDIR /app
COPY . .
RUN <<SETUP
pip install uv==0.13.9
uv sync --frozen --no-dev --project services/stt
SETUP
USER nobody
CMD ["/opt/venv/bin/uvicorn", "morgan_stt.app:app", "--host", "0.0.0.0", "--port", "8003"]
