# What everyone writes first. fix_test.sh has `slipway fix` make it one that a change of code does not
# install again.
FROM python:3.11-slim
WORKDIR /app
COPY . .
RUN pip install --no-cache-dir uv==0.13.9
RUN uv sync --frozen --no-dev --project core
ENV PATH=/app/core/.venv/bin:$PATH
USER nobody
CMD ["uvicorn", "morgan_core.app:app", "--app-dir", "core", "--host", "0.0.0.0", "--port", "8000"]
