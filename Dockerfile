# One image for the three roles: its command picks one of them. docs/deploy/image.md says how to add your agents.
#
# A digest is better than a tag (`--build-arg BASE_IMAGE=debian:trixie-slim@sha256:…`): renovate.json has it written here.
ARG BASE_IMAGE=debian:trixie-slim
ARG UV_IMAGE=ghcr.io/astral-sh/uv:0.13.9

FROM ${UV_IMAGE} AS uv

# Debian's Python: smaller than the official image of Python, without pip, and with bytecode of its own modules.
FROM ${BASE_IMAGE} AS python
# hadolint ignore=DL3008 # not pinned: a build gets Debian's security updates
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates python3 \
 && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/*

FROM python AS build
COPY --from=uv /uv /usr/local/bin/
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1
WORKDIR /app
RUN uv venv --python "$(command -v python3)" .venv
# What we depend on comes first, so that its layer stays while only our code changes. All versions and hashes are those of
# the lock, whatever extras are chosen. The secret may say where another index is (docs/deploy/image.md).
COPY pyproject.toml requirements.lock ./
ARG EXTRAS="rabbitmq redis"
# hadolint ignore=SC2046 # words are what it is for
RUN --mount=type=secret,id=uv,target=/etc/uv/uv.toml --mount=type=cache,target=/root/.cache/uv \
    uv pip install --only-binary :all: --constraint requirements.lock \
      --requirements pyproject.toml $(printf -- '--extra %s ' ${EXTRAS})
COPY README.md ./
COPY shared shared
RUN --mount=type=secret,id=uv,target=/etc/uv/uv.toml --mount=type=cache,target=/root/.cache/uv \
    uv pip install --no-deps --build-constraints requirements.lock .
COPY functions functions
COPY infra/compile.py ./
# What is in the wheel by now, and packages' own tests, are no longer needed.
RUN rm -r shared pyproject.toml requirements.lock README.md functions/build.py \
 && find .venv -type d '(' -name tests -o -path '*/sqlalchemy/testing' ')' -prune -exec rm -r '{}' + \
 && .venv/bin/python compile.py

FROM python
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH PYTHONPATH=/app/functions:/app PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    HOME=/tmp AGENTCORE_HOST=0.0.0.0 AGENTCORE_PORT=8000
USER 10001:10001
EXPOSE 8000
ENTRYPOINT ["agentcore"]
CMD ["serve"]
