#!/bin/sh
# Runs the tests with the official Python SDKs. Makes its own virtual environment on first use.
set -eu
cd "$(dirname "$0")"
if ! cmp -s requirements.txt .venv/requirements.installed; then
    python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
    cp requirements.txt .venv/requirements.installed
fi
exec .venv/bin/python -m pytest "$@"
