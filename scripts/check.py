"""Runs the tests and all checks, also after one has failed, and sums up."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = Path(sys.executable).parent
LINTERS = {
    "ruff check": ["ruff", "check"],
    "ruff format": ["ruff", "format", "--check"],
    "mypy": ["mypy"],
    "lint-imports": ["lint-imports", "--no-logo"],
}


def run(checks: dict[str, list[str]]) -> int:
    """Runs the commands in turn and returns 1 if any failed."""
    failed = []
    for name, (tool, *arguments) in checks.items():
        print(f"== {name}", flush=True)
        begin = time.monotonic()
        if subprocess.run([TOOLS / tool, *arguments], cwd=ROOT, check=False).returncode:
            failed.append(name)
        print(f"   {time.monotonic() - begin:.0f} s\n", flush=True)
    print(f"FAILED: {', '.join(failed)}" if failed else f"All passed: {', '.join(checks)}")
    return 1 if failed else 0


def main() -> int:
    """Reads the options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lint", action="store_true", help="leave the tests out")
    parser.add_argument("--slow", action="store_true", help="take the slow tests in")
    options = parser.parse_args()
    checks = dict(LINTERS)
    if not options.lint:
        # The tests come last: their summary is what people look for.
        checks["pytest"] = ["pytest", *(["-m", ""] if options.slow else [])]
    return run(checks)


if __name__ == "__main__":
    sys.exit(main())
