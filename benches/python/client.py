"""The Python client of the benchmark: the commands of benches/common/client.h, as far as one client
that only reads needs them."""

import argparse
import collections
import json
import resource
import sys
import time

import rogue.interfaces.memory as rim

ADDRESS = 0x1000
VALUE = b"\x67\x45\x23\x01"
CONNECT_S = 60.0
PERIOD_S = 0.01
# A request that waits longer than this has been lost.
TIMEOUT_US = 10_000_000
# Latencies are counted in steps of this much.
STEP_NS = 20


def fail(text):
    print("python_client: %s" % text, file=sys.stderr)
    sys.exit(1)


class Client:
    """One connection, and what is measured over it."""

    def __init__(self, host, port):
        self.client = rim.TcpClient(host, port)
        if not self.client.waitReady(CONNECT_S, PERIOD_S):
            fail("no server: " + self.client.getStateText())
        self.master = rim.Master()
        self.master._setTimeout(TIMEOUT_US)
        self.master >> self.client

    def prepare(self, _words):
        """Fills the far memory with what `run` expects to read."""
        rim.write(self.master, ADDRESS, VALUE)
        return {"prepared": 1}

    def one_by_one(self, begin_ns, end_ns):
        """Reads one after the other; how many, for how long, and each one's time."""
        request, wait, clock = (
            self.master._reqTransaction,
            self.master._waitTransaction,
            time.perf_counter_ns,
        )
        # What these two clocks show differs by a constant.
        ahead = time.monotonic_ns() - clock()
        buffer, times, kind, now = bytearray(4), [], rim.Read, 0
        begin_ns, end_ns = begin_ns - ahead, end_ns - ahead
        while now < begin_ns:
            wait(request(ADDRESS, buffer, 4, 0, kind))
            now = clock()
        start = now
        while now < end_ns:
            wait(request(ADDRESS, buffer, 4, 0, kind))
            after = clock()
            times.append(after - now)
            now = after
            if buffer != VALUE:
                fail("has read %r" % bytes(buffer))
        return len(times), now - start, times

    def in_flight(self, count, begin_ns, end_ns):
        """Keeps `count` reads in flight by waiting for the oldest; how many, and for how long."""
        request, wait, clock = (
            self.master._reqTransaction,
            self.master._waitTransaction,
            time.monotonic_ns,
        )
        kind, places = rim.Read, range(count)
        buffers = [bytearray(4) for _ in places]
        ids = [request(ADDRESS, buffer, 4, 0, kind) for buffer in buffers]
        done, start, now = 0, 0, 0
        while now < end_ns:
            if not start and now >= begin_ns:
                start, done = now, 0
            for n in places:
                wait(ids[n])
                buffer = buffers[n]
                if buffer != VALUE:
                    fail("has read %r" % bytes(buffer))
                ids[n] = request(ADDRESS, buffer, 4, 0, kind)
            done += count
            now = clock()
        self.master._waitTransaction(0)
        return done, now - start, []

    def in_bursts(self, count, burst, begin_ns, end_ns):
        """The same with `burst` requests made by one call, when the oldest burst has ended."""
        wait, clock = self.master._waitTransaction, time.monotonic_ns
        addresses, places = [ADDRESS] * burst, range(count // burst)
        buffers = [bytearray(4 * burst) for _ in places]
        bursts = [rim.reqTransactions(self.master, addresses, buffer) for buffer in buffers]
        done, start, now = 0, 0, 0
        while now < end_ns:
            if not start and now >= begin_ns:
                start, done = now, 0
            for n in places:
                for one in bursts[n]:
                    wait(one)
                buffer = buffers[n]
                if buffer != VALUE * burst:
                    fail("has read %r" % bytes(buffer))
                bursts[n] = rim.reqTransactions(self.master, addresses, buffer)
            done += count
            now = clock()
        self.master._waitTransaction(0)
        return done, now - start, []

    def run(self, words):
        """Measures."""
        count = int(words.get("outstanding", 1))
        burst = int(words.get("burst", 0))
        begin_ns = int(words.get("begin_ns", time.monotonic_ns()))
        end_ns = begin_ns + int(float(words.get("seconds", 0.1)) * 1e9)
        before = resource.getrusage(resource.RUSAGE_SELF)
        if count == 1:
            done, elapsed_ns, times = self.one_by_one(begin_ns, end_ns)
        elif burst:
            done, elapsed_ns, times = self.in_bursts(count, burst, begin_ns, end_ns)
        else:
            done, elapsed_ns, times = self.in_flight(count, begin_ns, end_ns)
        after = resource.getrusage(resource.RUSAGE_SELF)
        if self.master._getError():
            fail(self.master._getError())
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        answer = {
            "transactions": done,
            "requests": done + count,
            "elapsed_ns": elapsed_ns,
            "per_client": [done * 1e9 / elapsed_ns],
            "cpu_ns": int(cpu_s * 1e9),
            "voluntary": after.ru_nvcsw - before.ru_nvcsw,
            "involuntary": after.ru_nivcsw - before.ru_nivcsw,
        }
        if times:
            steps = collections.Counter(one // STEP_NS * STEP_NS for one in times)
            answer["latency_ns"] = {"buckets": sorted(steps.items()), "max": max(times)}
        return answer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--clients", type=int, choices=(1,), default=1)
    arguments = parser.parse_args()
    client = Client(arguments.host, arguments.port)
    print(json.dumps({"ready": True, "spins": False}), flush=True)
    commands = {"prepare": client.prepare, "run": client.run}
    for line in sys.stdin:
        command, *words = line.split()
        answer = commands[command](dict(word.split("=", 1) for word in words))
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
