# Kehu for production: its own Python environment, no mongod (MongoDB is SSPL and belongs on its own hosts), not root,
# nothing that installs packages.
#   docker build -t kehu .
#   docker run -p 8000:8000 -e KEHU_MONGODB_URI=mongodb://... -e KEHU_OIDC_ISSUER=https://... -e KEHU_OIDC_AUDIENCE=kehu kehu
# The database and the identity provider have to be given: the image has none to fall back on.
# Base images are named by digest, so that a build is the same tomorrow; for newer ones:
#   docker buildx imagetools inspect python:3.13-slim

FROM node:22-slim@sha256:83f487e0a63425e5b4d146fb5e5be574bcbe1b7b843d3ebafdd95eaf7767a7e5 AS console
WORKDIR /console
COPY console/graphiql/ ./
RUN npm ci && node unpack.mjs /graphiql

FROM python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS build
WORKDIR /source
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN pip install --require-hashes -r requirements/build.txt
RUN python -m venv --without-pip /opt/kehu && pip --python /opt/kehu/bin/python install --require-hashes -r requirements/runtime.txt
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
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . && pip --python /opt/kehu/bin/python install --no-deps --no-index /wheels/*.whl

FROM python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3.13/site-packages/pip* /usr/local/lib/python3.13/ensurepip
RUN useradd --system --create-home --home-dir /var/lib/kehu --uid 10001 kehu
COPY --from=build /opt/kehu /opt/kehu
ENV PATH=/opt/kehu/bin:$PATH PYTHONUNBUFFERED=1 KEHU_DATA_DIR=/var/lib/kehu KEHU_ENVIRONMENT=production
# By number, so that a cluster can see that it is not root.
USER 10001
WORKDIR /var/lib/kehu
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["kehu"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
