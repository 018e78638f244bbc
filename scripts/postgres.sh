#!/bin/sh
# Runs a command beside a PostgreSQL server of its own: a temporary folder, a free port on loopback, gone at the end.
#
#   scripts/postgres.sh cargo test
#
# The command finds the server in HEYDOK_TEST_POSTGRES_URL (a superuser, so that each test can create a database of its own).
set -eu

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -n "$bin" ] || bin=$(dirname "$(command -v initdb || true)")
[ -x "$bin/initdb" ] || {
    echo "PostgreSQL is not installed (scripts/install.sh test)" >&2
    exit 1
}

folder=$(mktemp -d)
# initdb refuses root, so root runs the server as the package's user.
if [ "$(id -u)" = 0 ]; then
    chown postgres "$folder"
    as_owner() { setpriv --reuid=postgres --regid=postgres --clear-groups env HOME="$folder" "$@"; }
else
    as_owner() { "$@"; }
fi

stop() {
    status=$?
    trap - EXIT INT TERM
    [ -f "$folder/data/postmaster.pid" ] && as_owner "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1
    rm -rf "$folder"
    exit "$status"
}
trap stop EXIT
trap 'exit 130' INT TERM

free_port() {
    node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'
}

cd "$folder"
as_owner "$bin/initdb" -D "$folder/data" -U heydok -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$folder/initdb.log" 2>&1 || {
    cat "$folder/initdb.log" >&2
    exit 1
}
port=$(free_port)
as_owner "$bin/pg_ctl" -D "$folder/data" -w -t 60 -l "$folder/server.log" -o "-p $port -k $folder -c listen_addresses=127.0.0.1 \
    -c max_connections=200 -c fsync=off -c synchronous_commit=off -c full_page_writes=off" start >/dev/null || {
    cat "$folder/server.log" >&2
    exit 1
}
cd "$OLDPWD"
HEYDOK_TEST_POSTGRES_URL="postgresql://heydok@127.0.0.1:$port/postgres" "$@"
