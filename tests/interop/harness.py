"""Starts programs, waits for what they print, and never leaves one behind.

Nothing here sleeps for a fixed time: every wait is for a line, an exit or a condition, with an
upper bound that only a hang reaches.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from proxy import Proxy

# A wait this long is a hang. Generous: slow machines and memory checkers fit in.
HANG_S = 120.0
# A whole test; the watchdog kills its programs then.
TEST_S = 600.0

VIOLATION_STATUS = 3


class Settings:
    """What the command line said."""

    bin_dir = None
    # The command line, for the tests that need it.
    rogue_mem = None
    full = False
    # Put before the programs of this library: a memory checker.
    wrap = ()

    @classmethod
    def operations(cls, count):
        """So many operations, or fewer of them under a memory checker."""
        return max(100, count // 20) if cls.wrap else count


def parse_fields(line):
    """`name a=1 b=2` as {"a": 1, "b": 2}."""
    return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", line)}


class Program:
    """One child process in a session of its own, its output collected line by line."""

    def __init__(self, name, *arguments, user=None):
        command = [os.path.join(Settings.bin_dir, name)]
        if name == "rogue-mem":
            command = [Settings.rogue_mem]
        if name.startswith("our_"):
            command = [*Settings.wrap, *command]
        self.name = name
        self.arguments = [str(argument) for argument in arguments]
        self.lines = []  # of standard output
        self.errors = []  # of standard error
        self._cursor = 0
        self._news = threading.Condition()
        self._open_streams = 2
        self.process = subprocess.Popen(
            command + self.arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
            errors="replace",
            user=user,
        )
        self._readers = [
            threading.Thread(target=self._collect, args=pair, daemon=True)
            for pair in ((self.process.stdout, self.lines), (self.process.stderr, self.errors))
        ]
        for reader in self._readers:
            reader.start()

    def _collect(self, stream, lines):
        for line in stream:
            with self._news:
                lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._open_streams -= 1
            self._news.notify_all()

    def describe(self):
        """The command and the end of its output, for a failure's text."""
        tail = [line[:200] for line in self.lines[-12:]]
        errors = [line[:200] for line in self.errors[-12:]]
        command = " ".join([self.name] + self.arguments)
        status = self.process.poll()
        return "%s (pid %d, %s)\n  stdout: %s\n  stderr: %s" % (
            command,
            self.process.pid,
            "running" if status is None else "ended with %d" % status,
            "\n          ".join(tail),
            "\n          ".join(errors),
        )

    def expect(self, pattern, timeout_s=HANG_S):
        """The match of the next line of output that matches; earlier lines are passed over."""
        wanted = re.compile(pattern)
        end = time.monotonic() + timeout_s
        with self._news:
            while True:
                while self._cursor < len(self.lines):
                    match = wanted.search(self.lines[self._cursor])
                    self._cursor += 1
                    if match:
                        return match
                if self._open_streams == 0:
                    raise AssertionError("ended without %r: %s" % (pattern, self.describe()))
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError("no %r: %s" % (pattern, self.describe()))
                self._news.wait(left)

    def send(self, line):
        """Writes one line to its standard input."""
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise AssertionError("does not read any more: " + self.describe()) from None

    def ask(self, command, timeout_s=HANG_S):
        """Sends a script command; its answer line without the number."""
        self.send(command)
        return self.expect(r"^\d+ (.*)$", timeout_s).group(1)

    def counters(self):
        """Asks for the counters; as a dictionary."""
        self.send("counters")
        return parse_fields(self.expect(r"^counters ").string)

    def expect_progress(self, further):
        """Waits until a workload has had `further` more operations confirmed than it last said."""
        ok = 0
        with self._news:
            for line in self.lines:
                if line.startswith("progress "):
                    ok = parse_fields(line)["ok"]
            self._cursor = len(self.lines)
        wanted = ok + further
        while ok < wanted:
            ok = parse_fields(self.expect("^progress ").string)["ok"]

    def expect_unknown(self):
        """Waits until a workload has operations whose outcome it does not know."""
        limit = time.monotonic() + HANG_S
        while parse_fields(self.expect("^progress ").string)["unknown"] == 0:
            if time.monotonic() > limit:
                raise AssertionError("everything is answered: %s" % self.describe())

    def last_fields(self, word):
        """The fields of the last line that begins with `word`; after the program has ended."""
        for line in reversed(self.lines):
            if line.startswith(word + " "):
                return parse_fields(line)
        raise AssertionError("no line %r: %s" % (word, self.describe()))

    def wait(self, timeout_s=HANG_S):
        """Its exit status, all output collected."""
        try:
            status = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError("still runs: " + self.describe()) from None
        for reader in self._readers:
            reader.join(HANG_S)
        return status

    def pause(self):
        """SIGSTOP: it does nothing until `resume`."""
        self.process.send_signal(signal.SIGSTOP)
        # Its other threads go on until the one that the signal has chosen has run.
        os.waitpid(self.process.pid, os.WUNTRACED)

    def resume(self):
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def close_input(self):
        """Ends its standard input."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass

    def finish(self, status=0, timeout_s=HANG_S):
        """Ends its input and expects this exit status."""
        self.close_input()
        got = self.wait(timeout_s)
        if got != status:
            raise AssertionError("ended with %d, not %d: %s" % (got, status, self.describe()))

    def expect_exit(self, status=0, timeout_s=HANG_S):
        """Expects it to end of itself with this status."""
        got = self.wait(timeout_s)
        if got != status:
            raise AssertionError("ended with %d, not %d: %s" % (got, status, self.describe()))

    def kill(self):
        """SIGKILL, and waits for the end."""
        self.process.kill()
        self.wait()

    def discard(self):
        """Whatever state it is in: it is gone afterwards, children included."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        for reader in self._readers:
            reader.join(HANG_S)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                stream.close()
            except BrokenPipeError:
                pass


class InteropTest(unittest.TestCase):
    """A test that starts programs."""

    def setUp(self):
        self.programs = []
        self.folder = tempfile.mkdtemp(prefix="rogue_mem_interop_")
        self._watchdog = threading.Timer(TEST_S, self._kill_all)
        self._watchdog.daemon = True
        self._watchdog.start()
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.addCleanup(self._discard_all)
        self.addCleanup(self._watchdog.cancel)

    def _kill_all(self):
        for program in list(self.programs):
            try:
                os.killpg(program.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def _discard_all(self):
        for program in self.programs:
            program.discard()

    def start(self, name, *arguments, user=None):
        """A program that this test will not outlive, of another user where one is given."""
        program = Program(name, *arguments, user=user)
        self.programs.append(program)
        return program

    def start_server(self, name, *arguments, user=None):
        """A server that listens; its `port` is set."""
        server = self.start(name, *arguments, user=user)
        server.port = int(server.expect(r"^listening (\d+)$").group(1))
        return server

    def zmq_server(self, *arguments):
        """The reference's server."""
        return self.start_server("zmq_server", *arguments)

    def our_server(self, *arguments):
        """This library's server."""
        return self.start_server("our_server", *arguments)

    def spy(self, server, *arguments):
        """`rogue-mem spy` in front of the server; clients use it like one."""
        to = "127.0.0.1:%d" % server.port
        spy = self.start("rogue-mem", "spy", "--listen", "0", "--to", to, *arguments)
        spy.port = int(spy.expect(r"127\.0\.0\.1:(\d+)").group(1))
        return spy

    def proxy(self, server, **settings):
        """A network in front of the server; clients use it like one."""
        proxy = Proxy(server.port, **settings)
        self.addCleanup(proxy.stop)
        return proxy

    def zmq_client(self, mode, server, *arguments):
        """The reference's client."""
        return self.start("zmq_client", mode, "--port", server.port, *arguments)

    def our_client(self, mode, server, *arguments):
        """This library's client."""
        return self.start("our_client", mode, "--port", server.port, *arguments)

    def memory_file(self, name="memory"):
        """The path of a memory that survives its server."""
        return os.path.join(self.folder, name)

    def restarts(self, server, clients, rounds, start):
        """Kills the server and starts it again on its port, with every client at work before and
        after; `start(*arguments)` starts one. The last server."""
        for client in clients:
            client.expect_progress(1000)
        for _ in range(rounds):
            server.kill()
            server = start("--port", server.port)
            for client in clients:
                client.expect_progress(1000)
        return server

    def assertClean(self, client, **expected):
        """A workload that met nothing it should not have met."""
        fields = client.last_fields("random")
        self.assertFields(fields, mismatch=0, foreign=0, **expected)
        self.assertGreater(fields["compared"], 0)
        return fields

    def assertFields(self, fields, **expected):
        """Each named field has its value."""
        actual = {key: fields.get(key) for key in expected}
        self.assertEqual(actual, expected, "in %r" % (fields,))
