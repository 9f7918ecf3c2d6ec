"""Servers and clients as child processes that are spoken to line by line.

Every wait has an upper bound that only a hang reaches. A program that ends when it should not, or
says something else than expected, fails the whole benchmark with its own words.
"""

import contextlib
import json
import os
import select
import subprocess
import tempfile
import time

HANG_S = 120.0
LINE_BYTES_MAX = 16 << 20


class BenchError(Exception):
    """The benchmark cannot go on; the text says why."""


class Placement:
    """Where the processes of a measurement run."""

    def __init__(self, name, cpus):
        self.name = name
        self.cpus = frozenset(cpus)

    @contextlib.contextmanager
    def applied(self):
        """Programs started inside run there; the harness itself goes back to where it was."""
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self.cpus)
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)


def placements(cpu=None):
    """One CPU (`cpu`, or the first that we may use), and free on all that we may use."""
    allowed = os.sched_getaffinity(0)
    one = min(allowed) if cpu is None else cpu
    if one not in allowed:
        raise BenchError("CPU %d is none of those that this process may use" % one)
    return {"one": Placement("one", {one}), "free": Placement("free", allowed)}


class Program:
    """One child process."""

    def __init__(self, command, environment=None):
        self.command = [str(word) for word in command]
        self._buffer = b""
        self._errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=dict(os.environ, **(environment or {})),
            bufsize=0,
        )

    @property
    def pid(self):
        """The process id."""
        return self.process.pid

    def fail(self, what):
        """Fails the benchmark, with what the program has written to standard error."""
        self._errors.seek(0)
        said = self._errors.read().decode("utf-8", "replace").strip()
        status = self.process.poll()
        state = "runs" if status is None else "ended with %d" % status
        text = "%s: %s (it %s)" % (" ".join(self.command), what, state)
        raise BenchError(text + ("\n    " + said.replace("\n", "\n    ") if said else ""))

    def line(self, timeout_s=HANG_S):
        """The next line of its standard output."""
        end = time.monotonic() + timeout_s
        while b"\n" not in self._buffer:
            left = end - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(left, 0))
            if not ready:
                self.fail("has said nothing for %.0f s" % timeout_s)
            octets = os.read(self.process.stdout.fileno(), 1 << 16)
            if not octets:
                self.process.wait(HANG_S)
                self.fail("ended without an answer")
            self._buffer += octets
            if len(self._buffer) > LINE_BYTES_MAX:
                self.fail("has sent a line without an end")
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode("utf-8", "replace")

    def answer(self, timeout_s=HANG_S):
        """The next line, which is one JSON object."""
        line = self.line(timeout_s)
        try:
            found = json.loads(line)
        except ValueError:
            self.fail("has said %r where a JSON object was due" % line[:200])
        return found

    def send(self, line):
        """Writes one line to its standard input."""
        try:
            self.process.stdin.write(line.encode() + b"\n")
        except BrokenPipeError:
            self.fail("does not listen any more")

    def ask(self, line, timeout_s=HANG_S):
        """Sends a command and returns its answer."""
        self.send(line)
        return self.answer(timeout_s)

    def finish(self):
        """Ends its input and expects that it then ends well."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            status = self.process.wait(HANG_S)
        except subprocess.TimeoutExpired:
            self.fail("does not end")
        if status != 0:
            self.fail("failed")

    def discard(self):
        """It is gone afterwards, whatever it was doing."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self._errors):
            with contextlib.suppress(BrokenPipeError):
                stream.close()


class Session:
    """The processes of one measurement; none outlives it."""

    def __init__(self, bin_dir, placement, wrap=(), preload=None):
        self.bin_dir = bin_dir
        self.placement = placement
        self.environment = {"LD_PRELOAD": str(preload)} if preload else None
        self.wrap = list(wrap)
        self.programs = []
        self.server = None
        self.port = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        for program in reversed(self.programs):
            program.discard()

    def start(self, name, *arguments, wrap=None):
        """A program of this benchmark."""
        path = os.path.join(self.bin_dir, name)
        if not os.access(path, os.X_OK):
            raise BenchError("%s is not there: it has not been built" % path)
        words = self.wrap if wrap is None else wrap
        with self.placement.applied():
            program = Program(list(words) + [path] + list(arguments), self.environment)
        self.programs.append(program)
        return program

    def start_server(self, name, *arguments, wrap=None):
        """The server; `port` is then known."""
        self.server = self.start(name, *arguments, wrap=wrap)
        line = self.server.line()
        begin = "listening on port "
        if not line.startswith(begin):
            self.server.fail("has said %r and not where it listens" % line[:200])
        self.port = int(line[len(begin) :])
        return self.server

    def start_client(self, name, *arguments, wrap=None):
        """A client of the server that is connected."""
        return self.start_clients(name, 1, *arguments, wrap=wrap)[0]

    def start_clients(self, name, count, *arguments, wrap=None):
        """Several client processes, connected."""
        arguments = ("--port", str(self.port)) + arguments
        clients = [self.start(name, *arguments, wrap=wrap) for _ in range(count)]
        for client in clients:
            ready = client.answer()
            if ready.get("ready") is not True:
                client.fail("has said %r and not that it is ready" % ready)
        return clients

    def finish(self):
        """Ends all programs, the server last, and expects that each ends well."""
        for program in reversed(self.programs):
            program.finish()


def context_switches(pid):
    """How often the threads of a process have gone to sleep until now."""
    total = 0
    tasks = "/proc/%d/task" % pid
    for task in os.listdir(tasks):
        with contextlib.suppress(FileNotFoundError):
            with open("%s/%s/status" % (tasks, task), encoding="ascii", errors="replace") as file:
                for line in file:
                    if line.startswith("voluntary_ctxt_switches:"):
                        total += int(line.split()[1])
    return total


def memory_bytes(pid):
    """The proportional set size of a process."""
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    raise BenchError("the kernel does not tell the memory of process %d" % pid)


def private_bytes(pid):
    """What of the memory of a process is its own."""
    total = 0
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith(("Private_Clean:", "Private_Dirty:")):
                total += int(line.split()[1]) * 1024
    return total


def thread_count(pid):
    """How many threads a process has."""
    return len(os.listdir("/proc/%d/task" % pid))
