#!/usr/bin/env python3
"""Starts heydok: python start_meeting_system.py

Builds the program where it is not built yet. HEYDOK_BIN names a binary that is somewhere else.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    target = Path(os.environ.get("CARGO_TARGET_DIR", HERE / "target"))
    binary = Path(os.environ.get("HEYDOK_BIN", target / "release" / "heydok"))
    if not binary.exists():
        built = subprocess.run(["make", "build"], cwd=HERE, check=False)
        if built.returncode != 0:
            sys.exit("heydok could not be built, see above")
    os.execv(binary, [str(binary), "serve"])


if __name__ == "__main__":
    main()
