"""A thousand random actions on the window: does anything break, leak or stay behind?

    QT_QPA_PLATFORM=offscreen python -m bench.random_actions [--mode images] [--actions 1000]

What is done, and what is looked at, is in ``tests.hands.random_actions``.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from tests.hands.random_actions import MONKEYS, run
from tests.hands.window import application


def main() -> int:
    """Run, print, and say by the exit status whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--actions", type=int, default=1000)
    parser.add_argument("--mode", choices=tuple(MONKEYS), default="2d")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="name each action")
    options = parser.parse_args()
    app = application()
    report = run(options.actions, options.seed, mode=options.mode, quiet=not options.verbose)
    app.closeAllWindows()
    if options.json:
        print(json.dumps(asdict(report)))
    else:
        print(
            f"{report.actions} actions of {len(report.done)} kinds in {report.seconds:.0f} s, "
            f"{report.jobs} jobs finished, lanes {', '.join(report.lanes)}"
        )
        for count in report.counts:
            print(
                f"after {count.after:5}: {count.megabytes:.1f} MB, "
                f"{count.objects} Python objects, {count.qobjects} QObjects"
            )
        for trouble in report.troubles:
            print(trouble)
        print("all is well" if not report.troubles else f"{len(report.troubles)} troubles")
    return 1 if report.troubles else 0


if __name__ == "__main__":
    sys.exit(main())
