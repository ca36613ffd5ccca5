FROM python:3.11-slim
ENV PYTHONUNBUFFERED=1
WORKDIR /srv
# The whole repository: the service shares code with the others.
COPY . /srv

WORKDIR /srv/services/llm
RUN pip install uv==0.13.9 && uv sync --frozen --no-dev
USER nobody
CMD [".venv/bin/uvicorn", "morgan_llm.app:app", "--host", "0.0.0.0", "--port", "8001"]
