#!/bin/sh
# Builds and starts the complete system: page, API, database and media server, on the ports that the first documents print.
#
#   ./start-complete-system.sh            here, in the foreground; Ctrl-C stops it
#   ./start-complete-system.sh --docker   in containers (docker-compose.dev.yml), in the background
set -eu
cd "$(dirname "$0")"

in_containers() {
    if docker compose version >/dev/null 2>&1; then
        set -- docker compose
    elif command -v docker-compose >/dev/null 2>&1; then
        set -- docker-compose
    else
        echo "Docker Compose is not installed: https://docs.docker.com/compose/install/" >&2
        exit 1
    fi
    "$@" -f docker-compose.dev.yml up -d --build
    echo "open http://localhost:8000 or http://localhost:8002"
    echo "logs: $* -f docker-compose.dev.yml logs -f backend"
}

# Whether nobody has set this variable, in any of the places that heydok reads.
is_unset() { "$heydok" config | grep -q "^$1=.*  # built-in\$"; }

here() {
    heydok=${HEYDOK_BIN:-${CARGO_TARGET_DIR:-target}/release/heydok}
    [ -n "${HEYDOK_BIN:-}" ] || make build
    # Says what is wrong with the configuration before the questions below hide it.
    "$heydok" config >/dev/null
    if is_unset PORT; then export PORT=8000,8002; fi
    if is_unset LIVEKIT_PORT && is_unset LIVEKIT_URL; then export LIVEKIT_PORT=7880; fi
    exec "$heydok" serve
}

case ${1:-} in
    "") here ;;
    --docker) in_containers ;;
    *)
        echo "usage: $0 [--docker]" >&2
        exit 2
        ;;
esac
