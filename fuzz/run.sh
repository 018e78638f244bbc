#!/bin/sh
# Coverage-guided fuzzing: each target for FUZZ_SECONDS (60), or only those named. What is found lies in fuzz/artifacts.
set -eu
cd "$(dirname "$0")/.."
command -v cargo-fuzz >/dev/null 2>&1 || cargo install --locked cargo-fuzz
# The sanitizer is an unstable option of the compiler; this lets the stable one take it.
export RUSTC_BOOTSTRAP=1
[ $# -gt 0 ] || set -- $(cargo fuzz list)
for target in "$@"; do
    corpus=$target
    case $target in room_*) corpus=${target#room_} ;; turn_*) corpus=turn ;; esac
    # The first folder takes what is new; the committed one is only read.
    mkdir -p "fuzz/found/$target"
    cargo fuzz run "$target" "fuzz/found/$target" "fuzz/corpus/$corpus" -- -max_total_time="${FUZZ_SECONDS:-60}" -max_len=65536 -rss_limit_mb=4096 -timeout=20
done
