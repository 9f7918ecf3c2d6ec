#!/usr/bin/env python3
"""Runs the interoperability scenarios.

    run.py --bin DIR [--quick | --full] [-k TEXT]... [--wrap COMMAND] [--rogue-mem FILE] [GROUP...]

DIR holds the built programs. Groups: peers (the libzmq programs against each other),
libzmq_client (on our server), libzmq_server (under our client), many (several at once), network
(through connections that are cut, held up and chopped), one_process (clients that are hard to tell
apart, and those that only come and go), streams (the stream bridge against
libzmq), spy (through `rogue-mem spy`, if --rogue-mem gives the program). Without a group all are
run. --full runs the long versions. The last line is "N passed, N failed"; the exit status is 0 when
nothing failed.
"""

import argparse
import os
import shlex
import sys
import time
import unittest

# A source tree may be read-only, and is not the place for compiled files.
sys.dont_write_bytecode = True

from harness import Settings  # noqa: E402

GROUPS = (
    "peers",
    "curve",
    "libzmq_client",
    "libzmq_server",
    "many",
    "network",
    "one_process",
    "streams",
    "spy",
)
# What a group needs beside the libzmq programs.
OWN_PROGRAMS = ("our_server", "our_client", "our_stream")


class Report(unittest.TestResult):
    """One line per test as it ends, the failures' texts below it."""

    def __init__(self):
        super().__init__()
        self.passed = 0
        self._began = 0.0

    def startTest(self, test):
        super().startTest(test)
        self._began = time.monotonic()

    def _programs(self, test):
        """How every program of a failed test is, for whoever looks into it."""
        test = getattr(test, "test_case", test)
        return "\n".join(program.describe() for program in test.programs) + "\n"

    def _line(self, word, test, text=""):
        seconds = time.monotonic() - self._began
        print("%-6s %s (%.1f s)%s" % (word, test.id(), seconds, text), flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1
        self._line("ok", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._line("FAILED", test, "\n" + self.failures[-1][1] + self._programs(test))

    def addError(self, test, err):
        super().addError(test, err)
        self._line("FAILED", test, "\n" + self.errors[-1][1] + self._programs(test))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            texts = self.failures if issubclass(err[0], test.failureException) else self.errors
            self._line("FAILED", subtest, "\n" + texts[-1][1] + self._programs(test))

    def addSkip(self, test, reason):
        # Nothing here may be skipped: what cannot run has failed.
        super().addSkip(test, reason)
        self.errors.append((test, reason))
        self._line("FAILED", test, " skipped: " + reason)


def check_programs(groups):
    """Every program the groups need is there; a missing one is an error, not a reason to skip."""
    names = ["zmq_server", "zmq_client", "zmq_stream"]
    if any(group != "peers" for group in groups):
        names.extend(OWN_PROGRAMS)
    paths = [os.path.join(Settings.bin_dir, name) for name in names]
    if "spy" in groups:
        paths.append(Settings.rogue_mem)
    for path in paths:
        if not os.access(path, os.X_OK):
            sys.exit("run.py: there is no program %s; build it, or give its folder by --bin" % path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", required=True, help="folder of the built programs")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="the short versions (default)")
    size.add_argument("--full", action="store_true", help="the long versions")
    parser.add_argument(
        "-k",
        metavar="TEXT",
        action="append",
        default=[],
        help="only tests whose id contains TEXT, or one of several",
    )
    parser.add_argument(
        "--wrap",
        metavar="COMMAND",
        default="",
        help="put before the programs of this library: a memory checker",
    )
    parser.add_argument(
        "--rogue-mem", metavar="FILE", default="", help="the command line, for the group spy"
    )
    parser.add_argument("groups", nargs="*", metavar="GROUP", help="one of " + ", ".join(GROUPS))
    options = parser.parse_args()
    groups = options.groups or [g for g in GROUPS if g != "spy" or options.rogue_mem]
    unknown = set(groups) - set(GROUPS)
    if unknown:
        parser.error("unknown group: " + ", ".join(sorted(unknown)))
    Settings.bin_dir = os.path.abspath(options.bin)
    Settings.rogue_mem = os.path.abspath(options.rogue_mem) if options.rogue_mem else ""
    Settings.full = options.full
    Settings.wrap = shlex.split(options.wrap)
    check_programs(groups)

    loader = unittest.TestLoader()
    if options.k:
        loader.testNamePatterns = ["*" + text + "*" for text in options.k]
    suite = unittest.TestSuite(loader.loadTestsFromName("test_" + group) for group in groups)
    report = Report()
    suite.run(report)
    failed = len(report.failures) + len(report.errors)
    print("%d passed, %d failed" % (report.passed, failed), flush=True)
    if report.passed + failed == 0:
        sys.exit("run.py: no test was selected")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
