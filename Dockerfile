# heydok in a container: page, API and media server are one program. How to run it: docs/deployment.md
#
#   docker build -t heydok .
#   docker run --rm heydok config        any command of heydok; without one it serves

FROM node:22-bookworm-slim AS web
WORKDIR /src
COPY package.json package-lock.json tsconfig.base.json ./
COPY packages/client/package.json packages/client/
COPY web/package.json web/
COPY e2e/package.json e2e/
# The tests' packages stay out.
RUN npm ci --no-audit --no-fund --include-workspace-root --workspace packages/client --workspace web
COPY packages packages
COPY web web
RUN npm run build

FROM rust:1.95-bookworm AS build
# aws-lc builds itself with cmake.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends cmake \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY crates crates
COPY xtask xtask
COPY --from=web /src/web/dist web/dist
RUN cargo build --release --locked --package heydok

FROM debian:bookworm-slim
# curl is for the health check below, the certificates for a LiveKit server behind https.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --home-dir /data --no-create-home --shell /usr/sbin/nologin heydok \
    && install --directory --owner=heydok --group=heydok --mode=0700 /data
COPY --from=build /src/target/release/heydok /usr/local/bin/heydok
# The container keeps the log: `docker-compose logs backend`.
ENV DATA_DIR=/data LOG_FILE=-
WORKDIR /data
VOLUME /data
EXPOSE 8000/tcp 7882/udp 7881/tcp
# A number, so that orchestrators see that this is not the administrator.
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD case "${HOST:-::}" in 0.0.0.0|::) host=localhost ;; *:*) host="[$HOST]" ;; *) host="$HOST" ;; esac; \
        ports="${PORT:-8000}"; curl --fail --silent --output /dev/null "http://$host:${ports%%,*}/health"
ENTRYPOINT ["heydok"]
CMD ["serve"]
