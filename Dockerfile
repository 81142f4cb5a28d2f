# Two targets from the same locks: `web` (dashboard and API, no torch) and `worker` (trains). Neither runs as root.
FROM python:3.11-slim AS base
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/app PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1
RUN useradd --create-home --uid 10001 neq && install -d -o neq -g neq /var/lib/neq
WORKDIR /app
COPY requirements/uv.lock requirements/
RUN pip install --quiet --require-hashes -r requirements/uv.lock

FROM base AS web-packages
COPY requirements/web.lock requirements/
RUN uv pip install --system --quiet --require-hashes -r requirements/web.lock

FROM base AS worker-packages
COPY requirements/trainer.lock requirements/
RUN uv pip install --system --quiet --require-hashes -r requirements/trainer.lock

FROM web-packages AS web
COPY . .
USER neq
EXPOSE 8000
# What /readyz says: the store can be read and written, has room, and has this program's schema. No token, no proxy.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD ["python", "-c", "import http.client, sys; \
asked = http.client.HTTPConnection('127.0.0.1', 8000, timeout=4); asked.request('GET', '/readyz'); \
sys.exit(asked.getresponse().status != 200)"]
ENTRYPOINT ["python", "-m", "cli"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]

FROM worker-packages AS worker
COPY . .
USER neq
ENV NEQ_DATA_ROOT=/var/lib/neq/datasets NEQ_CPU_SLOTS=1
VOLUME /var/lib/neq
# Whether the store hears from this container's worker.
HEALTHCHECK --interval=30s --timeout=20s --start-period=120s CMD ["python", "-m", "cli", "worker", "--check"]
ENTRYPOINT ["python", "-m", "cli"]
CMD ["worker"]
