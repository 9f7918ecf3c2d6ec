"""Several clients of the reference in one process, or that the server may not look at, on our
server; and those that only come and go beside them."""

import os
import socket
import stat
import threading
import unittest

from harness import HANG_S, InteropTest, Settings, parse_fields

ROUNDS = 8 if Settings.full else 3
MEMORY = ("0x10000", "0x100000")
WORK = ("random", "--until-eof", "--progress", "50", "--tolerate-restarts", "--window", "16")
# The same ids and the same operations in each client: only windows and identities differ.
TWINS = ("--clients", "2", "--seed", "5")
#: How long clients stay that are held: a server on a busy machine has to see both.
HELD_S = "15"
NOBODY = 65534
SOMEBODY = 12345


class OneProcessTest(InteropTest):
    """Two clients of the reference in one process."""

    def twins(self, server, *arguments):
        return self.zmq_client(
            *WORK[:1],
            server,
            *WORK[1:],
            *TWINS,
            "--timeout",
            "0.5",
            "--wait-ready",
            "60",
            *arguments,
        )

    def expect_both(self, client, further=300):
        """Waits until each of the two has had so many more operations confirmed."""
        first, left = {}, {1, 2}
        while left:
            fields = parse_fields(client.expect("^progress ").string)
            before = first.setdefault(fields["identity"], fields["ok"])
            if fields["ok"] >= before + further:
                left.discard(fields["identity"])

    def work_through_restarts(self, client, server, start):
        self.expect_both(client)
        for _ in range(ROUNDS):
            server.kill()
            server = start("--port", server.port)
            self.expect_both(client)
        client.finish()
        for line in client.lines:
            if line.startswith("random "):
                self.assertFields(parse_fields(line), mismatch=0, foreign=0)
            elif line.startswith("counters "):
                self.assertFields(parse_fields(line), malformed=0, hazards=0, leaks=0)
        self.assertEqual(sum(line.startswith("random ") for line in client.lines), 2)
        return server

    def starter(self, *arguments):
        def start(*more):
            memory = ("--memory", self.memory_file(), *MEMORY)
            return self.our_server("--log", *memory, *arguments, *more)

        return start

    def assertHeld(self, server, *needed):
        """The server has said who waits and what helps. If a client took long to connect, an
        earlier line names only the connections that were there."""
        line = server.expect(r"Held, not served: .*\(requests\).*\(responses\)").string
        for text in ("TcpClient", *needed):
            self.assertIn(text, line)


class Contexts(OneProcessTest):
    """A context for each, as Rogue's clients have it."""

    def test_f21_two_clients_with_a_context_each_work_through_restarts(self):
        start = self.starter()
        server = start()
        client = self.twins(server)
        server = self.work_through_restarts(client, server, start)
        self.assertEqual([line for line in server.lines if "Held" in line], [])

    def test_f21_so_they_do_where_every_client_must_be_seen(self):
        start = self.starter("--legacy", "local-pid")
        server = start()
        self.work_through_restarts(self.twins(server), server, start)

    def test_f21_two_clients_of_one_context_are_held_and_named_after_a_restart(self):
        for io_threads in (1, 2):
            with self.subTest(io_threads=io_threads):
                # The ports are known, and nobody listens: both find the server at once.
                server = self.our_server()
                server.kill()
                client = self.twins(
                    server, "--one-context", "--io-threads", io_threads, "--wait-ready", HELD_S
                )
                server = self.our_server("--log", "--port", server.port)
                self.assertHeld(server, "legacy_shared_process")
                client.expect_exit(1)
                self.assertEqual(client.lines, ["not ready"] * 2)

    def test_f21_contexts_with_two_io_threads_are_never_crossed(self):
        """Each client has both of its connections in a context of its own, but on either of two
        epoll descriptors: the process counts, so they are held."""
        server = self.our_server()
        server.kill()
        client = self.twins(server, "--io-threads", "2", "--wait-ready", HELD_S)
        server = self.our_server("--log", "--port", server.port)
        self.assertHeld(server, "I/O thread")
        client.expect_exit(1)


class Shared(OneProcessTest):
    """The server gives each answer to all of them."""

    def test_f21_two_clients_of_one_context_are_served_where_they_share_their_answers(self):
        for io_threads in (1, 2):
            with self.subTest(io_threads=io_threads):
                start = self.starter("--legacy-shared-process")
                server = start()
                client = self.twins(
                    server, "--one-context", "--io-threads", io_threads, "--unique-ids"
                )
                self.work_through_restarts(client, server, start)
                others = [
                    parse_fields(line)["others"]
                    for line in client.lines
                    if line.startswith("counters ")
                ]
                self.assertTrue(all(others), "each gets the answers of the other: %r" % others)

    def test_f21_a_client_of_another_process_has_no_part_in_that(self):
        server = self.our_server("--legacy-shared-process")
        alone = self.zmq_client("rw", server, "--timeout", "60", "--wait-ready", "60")
        alone.expect("^ready$")
        twins = self.zmq_client(
            "random", server, *TWINS, "--unique-ids", "--one-context", "--timeout", "60"
        )
        twins.expect_exit()
        self.assertEqual(alone.ask("read 0x1000 4"), "ok 00000000")
        alone.finish()
        self.assertFields(alone.last_fields("counters"), others=0, foreign=0)


@unittest.skipUnless(os.geteuid() == 0, "needs several users, and so root")
class Users(OneProcessTest):
    """Clients whose processes the server may not look at."""

    def setUp(self):
        super().setUp()
        # Its programs must be there for every user.
        folder = os.path.abspath(Settings.bin_dir)
        while folder != "/":
            if not os.stat(folder).st_mode & stat.S_IXOTH:
                self.skipTest("%s is closed to other users" % folder)
            folder = os.path.dirname(folder)

    def test_f21_the_first_client_of_a_user_is_served_and_the_second_held(self):
        server = self.start_server("our_server", "--log", user=NOBODY)
        first = self.zmq_client("rw", server, "--timeout", "60", "--wait-ready", "60")
        first.expect("^ready$")
        second = self.zmq_client("rw", server, "--timeout", "60", "--wait-ready", "1")
        second.expect("^not ready$")
        self.assertHeld(server, "user 0 at 127.0.0.1", "CAP_SYS_PTRACE")
        other = self.start(
            "zmq_client", "rw", "--port", server.port, "--wait-ready", "60", user=SOMEBODY
        )
        other.expect("^ready$")
        self.assertEqual(other.ask("read 0x1000 4"), "ok 00000000")
        self.assertEqual(first.ask("read 0x1000 4"), "ok 00000000")
        first.finish()
        self.assertEqual(second.ask("ready 100"), "ready")
        second.finish()
        other.finish()


class Passers(threading.Thread):
    """Opens both ports of a server again and again, says nothing, and closes them after a while."""

    def __init__(self, server, period_s, stay_s):
        super().__init__(daemon=True)
        self.ports = (server.port, server.port + 1)
        self.period_s, self.stay_s = period_s, stay_s
        self.is_over = threading.Event()
        self.are_there = threading.Event()

    def run(self):
        while not self.is_over.is_set():
            ends = [socket.create_connection(("127.0.0.1", port)) for port in self.ports]
            self.are_there.set()
            self.is_over.wait(self.stay_s)
            for end in ends:
                end.close()
            self.is_over.wait(self.period_s - self.stay_s)

    def stop(self):
        self.is_over.set()
        self.join()


class Beside(InteropTest):
    """Those that come and go without a word."""

    def serve_beside(self, period_s, stay_s, *arguments):
        server = self.our_server(*arguments)
        passers = Passers(server, period_s, stay_s)
        passers.start()
        self.addCleanup(passers.stop)
        self.assertTrue(passers.are_there.wait(HANG_S))
        client = self.zmq_client("rw", server, "--timeout", "60", "--wait-ready", "25")
        client.expect("^ready$")
        self.assertEqual(client.ask("read 0x1000 4"), "ok 00000000")
        client.finish()

    def test_f22_a_probe_of_the_same_host_keeps_no_client_out(self):
        for period_s in (0.1, 0.25, 0.4):
            for policy in ("auto", "one-per-address"):
                with self.subTest(period_s=period_s, policy=policy):
                    self.serve_beside(period_s, 0, "--legacy", policy)

    def test_f21_a_silent_stranger_each_second_keeps_no_client_out(self):
        for policy in ("auto", "one-per-address"):
            with self.subTest(policy=policy):
                self.serve_beside(1.0, 1.0, "--legacy", policy)
