"""Runs the tests and all checks, also after one has failed, and sums up.

What the tests leave of the machine goes to the other checks, which run beside them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = Path(sys.executable).parent
LINTERS = {
    "ruff check": ["ruff", "check"],
    "ruff format": ["ruff", "format", "--check"],
    "lint-imports": ["lint-imports", "--no-logo"],
    "modes": ["python", "-m", "scripts.check_modes"],
    "mypy": ["mypy"],
}
TESTS = ["pytest", "--numprocesses=logical", "--maxprocesses=4", "--dist=worksteal"]
"""A process for each core. What a module sets up once is set up again where others take over the
rest of it, so whoever has nothing left takes as much as half of what another has."""
COMPILED_ONCE = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
"""The tests start many processes: none of them shall compile what another has compiled."""


def lint() -> list[str]:
    """Runs the linters in turn, each with its output in one piece; the names of what failed."""
    failed = []
    for name, (tool, *arguments) in LINTERS.items():
        begin = time.monotonic()
        done = subprocess.run(
            [TOOLS / tool, *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            failed.append(name)
        print(f"\n== {name}\n{done.stdout}   {time.monotonic() - begin:.0f} s", flush=True)
    return failed


def test(arguments: list[str]) -> list[str]:
    """Runs the tests; their name if they failed."""
    tool, *options = [*TESTS, *arguments]
    command: list[str | Path] = [TOOLS / tool, *options]
    status = subprocess.run(command, cwd=ROOT, env=COMPILED_ONCE, check=False).returncode
    return ["pytest"] if status else []


def main() -> int:
    """Reads the options, runs what they ask for, and returns 1 if any of it failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lint", action="store_true", help="leave the tests out")
    parser.add_argument("--slow", action="store_true", help="take the slow tests in")
    options = parser.parse_args()
    checks = list(LINTERS)
    with ThreadPoolExecutor() as pool:
        linting = pool.submit(lint)
        failed = []
        if not options.lint:
            # They take longest, so their summary comes last: it is what people look for.
            checks.append("pytest")
            failed = test(["-m", ""] if options.slow else [])
        failed = linting.result() + failed
    print(f"\nFAILED: {', '.join(failed)}" if failed else f"\nAll passed: {', '.join(checks)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
