"""Checks and measures pyrogue's EPICS servers, beside p4p without them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .check import SERVERS, Check


def main() -> int:
    parser = argparse.ArgumentParser(prog="epics", description=__doc__)
    parser.add_argument("--logs", type=Path, required=True, help="folder of the processes' output")
    parser.add_argument("--rounds", type=int, default=30, help="changes of every register")
    parser.add_argument("--samples", type=int, default=500, help="measurements of each latency")
    parser.add_argument("--server", choices=SERVERS, help="only this one; default: all")
    options = parser.parse_args()
    options.logs.mkdir(parents=True, exist_ok=True)
    failed = 0
    for server in [options.server] if options.server else SERVERS:
        check = Check(server, options.logs, options.rounds, options.samples)
        try:
            check.run()
        except Exception as error:
            check.say("FAILED", f"{error}\nlogs: {options.logs}")
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
