#!/bin/sh
# Measures the release binary with `heydok bench` and writes docs/benchmarks.md.
#
# A second server is measured in turn with ours where LIVEKIT_REFERENCE_URL, _API_KEY, _API_SECRET and _PID are set.
# ROUNDS (3) and SECONDS_EACH (15) make it shorter or longer; OUTPUT names another file (charts go into images/benchmarks
# beside it); further arguments go to `heydok bench`.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
binary=${HEYDOK_BIN:-${CARGO_TARGET_DIR:-$root/target}/release/heydok}
output=${OUTPUT:-$root/docs/benchmarks.md}
charts=$(dirname "$output")/images/benchmarks
folder=$(mktemp -d)
server=

stop() {
	[ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null; } || true
	server=
}
finish() {
	stop
	rm -rf "$folder"
}
trap finish EXIT
trap 'exit 1' INT TERM

[ -x "$binary" ] || { echo "no $binary: run 'make build' first" >&2; exit 1; }

# start <command>: ports the system chooses, a key of its own, a folder that is thrown away. Sets server.
secret=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
start() {
	: >"$folder/$1.out"
	(cd "$folder" && exec env HOST=127.0.0.1 PORT=0 RTC_UDP_PORT=0 RTC_TCP_PORT=0 RTC_NODE_IP=127.0.0.1 \
		DATA_DIR="$folder/$1" LIVEKIT_URL='' LIVEKIT_API_KEY=bench LIVEKIT_API_SECRET="$secret" \
		"$binary" "$1" >"$folder/$1.out" 2>"$folder/$1.log") &
	server=$!
	waited=0
	until url=$(sed -n 's/.*\(http:[^ ]*\).*/\1/p' "$folder/$1.out" | head -n 1) && [ -n "$url" ]; do
		kill -0 "$server" 2>/dev/null && [ "$waited" -lt 300 ] || { cat "$folder/$1.out" "$folder/$1.log" >&2; exit 1; }
		waited=$((waited + 1))
		sleep 0.1
	done
}
load() { cut -d ' ' -f 1-3 /proc/loadavg; }

# The whole product, doing nothing.
start serve
sleep 5
serve_idle=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$server/status")
stop

start media
load_before=$(load)
"$binary" bench --url "$url" --api-key bench --api-secret "$secret" --pid "$server" \
	--rounds "${ROUNDS:-3}" --seconds "${SECONDS_EACH:-15}" --output "$folder/tables" --charts "$charts" "$@"
load_after=$(load)

{
	cat "$root/bench/preface.md"
	printf '\n## Measured\n\n'
	printf '%s UTC, revision %s; %s, %s cores, %s MiB of memory, Linux %s; %s rounds of %s s each, medians.\n' \
		"$(date -u '+%Y-%m-%d %H:%M')" "$(git -C "$root" rev-parse --short HEAD 2>/dev/null || echo unknown)" \
		"$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" \
		"$(($(sed -n 's/^MemTotal:[^0-9]*\([0-9]*\) kB/\1/p' /proc/meminfo) / 1024))" "$(uname -r)" \
		"${ROUNDS:-3}" "${SECONDS_EACH:-15}"
	printf 'Load average (1, 5, 15 min) before %s, after %s, the benchmark itself included.\n\n' "$load_before" "$load_after"
	cat "$folder/tables"
	for chart in subscribers rooms loss; do
		[ -f "$charts/$chart.svg" ] || continue
		printf '![CPU time per packet over %s](images/benchmarks/%s.svg)\n\n' "$chart" "$chart"
	done
	printf '`heydok serve` (page, API, SQLite and media server in one process), idle: %s MiB; budget 40 MiB.\n\n' \
		"$((serve_idle / 1024))"
	cat "$root/bench/engine.md"
	printf '### JavaScript of each page, brotli\n\n'
	if [ -f "$root/web/dist/index.html" ]; then
		node "$root/web/scripts/budget.mjs" | sed 's/^/- /'
	else
		echo "The web client has not been built."
	fi
} >"$folder/page"
cp "$folder/page" "$output"
cat "$output"
