#!/bin/sh
# Builds heydok and starts it for development, at http://localhost:8000 on this machine only: unsafe settings warn instead of
# refusing, and whoever calls from this machine owns every meeting. HOST=0.0.0.0 opens it to others and ends that.
set -eu
cd "$(dirname "$0")"
[ -n "${HEYDOK_BIN:-}" ] || make build
exec "${HEYDOK_BIN:-${CARGO_TARGET_DIR:-target}/release/heydok}" dev
