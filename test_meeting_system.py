#!/usr/bin/env python3
"""Tests the whole system: python test_meeting_system.py

Starts the built program in an empty folder, on free ports, and verifies all its endpoints. HEYDOK_BIN names a binary that is
not in target/release.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from test_meeting_api import verify

HERE = Path(__file__).resolve().parent


def main() -> int:
    target = Path(os.environ.get("CARGO_TARGET_DIR", HERE / "target"))
    binary = Path(os.environ.get("HEYDOK_BIN", target / "release" / "heydok"))
    if not binary.exists():
        sys.exit(f"{binary} does not exist: run make build first")
    environment = {"PORT": "0", "HOST": "127.0.0.1", "RTC_UDP_PORT": "0", "RTC_TCP_PORT": "0"}
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [binary.resolve(), "serve"], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            lines = iter(server.stdout or [])
            address = next((line.split()[2] for line in lines if line.startswith("listening on ")), None)
            if address is None:
                print((Path(folder) / "logs" / "app.log").read_text(), file=sys.stderr)
                return 1
            failed = verify(address)
        finally:
            server.terminate()
            code = server.wait()
    if code != 0:
        print(f"FAILED  the server ended with {code}")
    return 1 if failed or code else 0


if __name__ == "__main__":
    sys.exit(main())
