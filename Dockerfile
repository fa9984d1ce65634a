# Kehu for production: its own Python environment, no mongod (MongoDB is SSPL and belongs on its own hosts), not root.
#   docker build -t kehu .
#   docker run -p 8000:8000 -e KEHU_MONGODB_URI=mongodb://... kehu
# KEHU_MONGODB_URI has to be given: the image has no database to fall back on.

FROM node:22-slim AS console
WORKDIR /console
COPY console/graphiql/ ./
RUN npm ci && node unpack.mjs /graphiql

FROM python:3.13-slim AS build
WORKDIR /source
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN pip install --require-hashes -r requirements/build.txt
RUN python -m venv /opt/kehu && /opt/kehu/bin/pip install --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY api/ api/
COPY schema/ schema/
COPY acts/ acts/
COPY worker/ worker/
COPY repositories/ repositories/
COPY policy/ policy/
COPY catalogue/ catalogue/
COPY docs/errors/ docs/errors/
COPY --from=console /graphiql api/static/graphiql
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . && /opt/kehu/bin/pip install --no-deps --no-index /wheels/*.whl

FROM python:3.13-slim
RUN useradd --system --create-home --home-dir /var/lib/kehu --uid 10001 kehu
COPY --from=build /opt/kehu /opt/kehu
ENV PATH=/opt/kehu/bin:$PATH PYTHONUNBUFFERED=1 KEHU_DATA_DIR=/var/lib/kehu
USER kehu
WORKDIR /var/lib/kehu
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["kehu"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
