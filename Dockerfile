# One image per service: `docker build --target ingest .` (ingest, processor, notifier, dlq-admin).
ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim-bookworm AS sources
RUN pip install --no-cache-dir uv==0.13.9
# Bytecode is compiled here: every document's child process would compile its imports otherwise.
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PROJECT_ENVIRONMENT=/app \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /src
COPY pyproject.toml uv.lock ./
COPY libs libs
COPY services services

FROM sources AS ingest-packages
RUN uv sync --frozen --no-dev --no-editable --no-cache --package docyard-ingest

FROM sources AS processor-packages
RUN uv sync --frozen --no-dev --no-editable --no-cache --package docyard-processor

FROM sources AS notifier-packages
RUN uv sync --frozen --no-dev --no-editable --no-cache --package docyard-notifier

FROM sources AS dlq-admin-packages
RUN uv sync --frozen --no-dev --no-editable --no-cache --package docyard-dlq-admin

FROM python:${PYTHON_VERSION}-slim-bookworm AS runtime
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin docyard
# A heap and a cache of glibc's for each thread would grow for hours.
ENV PATH=/app/bin:${PATH} \
    GLIBC_TUNABLES=glibc.malloc.arena_max=2:glibc.malloc.tcache_count=0 \
    PYTHONUNBUFFERED=1 \
    HTTP__HOST=0.0.0.0 \
    HTTP__PORT=8000 \
    HTTP__METRICS_PORT=9000
WORKDIR /home/docyard
USER 10001
EXPOSE 8000 9000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:9000/health/ready', timeout=4)"]

FROM runtime AS ingest
COPY --from=ingest-packages /app /app
CMD ["python", "-m", "ingest"]

FROM runtime AS processor
USER 0
# Debian's security updates may replace a pinned version at any time.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tesseract-ocr \
    && rm -rf /var/lib/apt/lists/*
USER 10001
COPY --from=processor-packages /app /app
CMD ["python", "-m", "processor"]

FROM runtime AS notifier
COPY --from=notifier-packages /app /app
CMD ["python", "-m", "notifier"]

FROM runtime AS dlq-admin
COPY --from=dlq-admin-packages /app /app
CMD ["python", "-m", "dlq_admin"]
