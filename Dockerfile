# One image for web, sockets, worker, beat and migrations; the command chooses.
FROM python:3.11-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.8
WORKDIR /app
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PROJECT_ENVIRONMENT=/venv
COPY pyproject.toml uv.lock .python-version ./
RUN uv sync --locked --no-default-groups

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin libraryhub \
    && install -d -o libraryhub -g libraryhub /app /data
WORKDIR /app
COPY --from=build /venv /venv
COPY manage.py ./
COPY saas saas
COPY shared_apps shared_apps
COPY tenant_apps tenant_apps
COPY billing billing
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=saas.settings.production DATA_DIR=/data
# Collected at build time: whitenoise serves hashed names. The values below satisfy the checks and are not kept.
RUN SECRET_KEY=build-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ BASE_DOMAINS=build.example \
    PUBLIC_URL=https://build.example DATABASE_URL=postgresql://build@localhost/build REDIS_URL=redis://localhost \
    STRIPE_SECRET_KEY=build STRIPE_WEBHOOK_SECRETS=build EMAIL_HOST=build.example DATA_DIR=/tmp/build \
    python manage.py collectstatic --noinput
USER libraryhub
VOLUME /data
EXPOSE 8000
# One process: run as many containers as there are cores, so that the proxy can keep a library on one of them (infra).
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "1", "--blocking-threads", "256", "--no-ws", "--http1-buffer-size", "65536", "--workers-kill-timeout", "20", "saas.wsgi:application"]
