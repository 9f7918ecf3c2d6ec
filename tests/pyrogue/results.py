"""A plugin of pytest that writes a line about each test as it runs, so that a crash or a hang loses
nothing: a JSON list of the test's name, its state, and the last line of its error or the reason
for skipping it."""

import json
import os

_FILE = os.environ["ROGUE_MEM_PYROGUE_RESULTS"]


def _write(*words):
    with open(_FILE, "a", encoding="utf-8") as file:
        file.write(json.dumps(words) + "\n")


def _text(report):
    """One line about a report that is no success."""
    if report.skipped and isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    lines = (crash.message if crash else str(report.longrepr)).strip().splitlines()
    return lines[0] if crash and lines else "".join(lines[-1:])


def pytest_collectreport(report):
    if report.failed:
        _write(report.nodeid, "failed", _text(report))
    elif report.skipped:
        _write(report.nodeid, "skipped", _text(report))


def pytest_runtest_logstart(nodeid):
    _write(nodeid, "started", "")


def pytest_runtest_logreport(report):
    if report.failed:
        _write(report.nodeid, "failed", _text(report))
    elif report.skipped:
        _write(report.nodeid, "skipped", _text(report))
    elif report.when == "call":
        _write(report.nodeid, "passed", "")


def pytest_sessionfinish(session):
    _Session.has_failed = session.testsfailed > 0


def pytest_unconfigure():
    # A test that failed may have left a thread that does not end.
    if _Session.has_failed:
        os._exit(1)


class _Session:
    has_failed = False
