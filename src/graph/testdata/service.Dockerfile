# syntax=docker/dockerfile:1.4
FROM python:3.11-slim AS base
ENV PYTHONUNBUFFERED=1
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked apt-get update && apt-get install -y curl
FROM base AS deps
WORKDIR /app
COPY --chown=app:1000 --chmod=755 pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv --mount=type=secret,id=token,env=TOKEN --mount=type=ssh uv sync
FROM deps
COPY --link --from=docker.io/library/busybox /bin/busybox /bin/
COPY <<EOT /etc/motd
hello <world>
EOT
RUN --network=none --mount=type=tmpfs,target=/tmp,size=1m --mount=from=base,target=/base,rw ls /base
CMD ["serve"]
