"""Through a network that cuts, holds up and chops what it carries."""

from harness import InteropTest, Settings
from proxy import REQUEST, RESPONSE

CUTS = ((REQUEST,), (RESPONSE,), (REQUEST, RESPONSE))
ROUNDS = 10 if Settings.full else 3
WORK = ("random", "--until-eof", "--progress", "50", "--tolerate-restarts", "--window", "16")


class Chopped(InteropTest):
    """A few octets at a time: frames arrive in every possible pair of pieces."""

    def run_chopped(self, server, client_kind):
        for chop, operations in ((3, 60), (40, 400)):
            with self.subTest(chop=chop):
                network = self.proxy(server, chop=chop, seed=chop)
                client = client_kind(
                    "random",
                    network,
                    "--ops",
                    operations,
                    "--size",
                    "1024",
                    "--timeout",
                    "100",
                    "--wait-ready",
                    "100",
                    "--base",
                    hex(0x10000 * chop),
                )
                client.expect_exit()
                self.assertClean(client, unknown=0)

    def test_our_client_on_our_server(self):
        self.run_chopped(self.our_server(), self.our_client)

    def test_a_libzmq_client_on_our_server(self):
        self.run_chopped(self.our_server(), self.zmq_client)

    def test_our_client_on_a_libzmq_server(self):
        self.run_chopped(self.zmq_server("--no-probes", "--unique-ids"), self.our_client)


class Cut(InteropTest):
    """Connections that are reset in the middle of the work, one alone or both."""

    def work_through_cuts(self, network, client):
        for _ in range(ROUNDS):
            for kinds in CUTS:
                client.expect_progress(300)
                self.assertGreater(network.cut(*kinds), 0)
        client.expect_progress(300)
        client.finish()

    def test_our_client_on_our_server(self):
        for backing in ((), ("--delay-ms", "5")):
            with self.subTest(" ".join(backing)):
                network = self.proxy(self.our_server(*backing))
                client = self.our_client(WORK[0], network, *WORK[1:], "--timeout", "100")
                self.work_through_cuts(network, client)
                self.assertClean(client)
                counters = client.last_fields("counters")
                self.assertFields(counters, timeouts=0, failed=0)
                self.assertGreaterEqual(counters["disconnects"], 3 * ROUNDS)

    def test_a_libzmq_client_on_our_server(self):
        for backing in ((), ("--delay-ms", "5")):
            with self.subTest(" ".join(backing)):
                network = self.proxy(self.our_server(*backing))
                client = self.zmq_client(
                    WORK[0], network, *WORK[1:], "--timeout", "0.5", "--wait-ready", "60"
                )
                self.work_through_cuts(network, client)
                self.assertGreater(self.assertClean(client)["unknown"], 0)

    def test_our_client_on_a_libzmq_server(self):
        # Such a server still executes what it had received, beside what comes by the new
        # connection, so values are not looked at here: only that nothing is sent twice and no
        # answer to a request of the lost connection is taken for another's.
        journal = self.memory_file("journal")
        server = self.zmq_server("--no-probes", "--unique-ids", "--journal", journal)
        network = self.proxy(server)
        client = self.our_client("rw", network, "--timeout", "100")
        for round_number in range(3 * ROUNDS):
            self.assertEqual(client.ask("write 0x1000 %08x" % round_number), "ok")
            for address in range(0x2000, 0x2020, 4):
                client.ask("start read %d 4" % address)
            network.cut(*CUTS[round_number % 3])
            client.send("wait")
            for _ in range(8):
                client.expect(r"^\d+ (ok 00000000|unknown .*onnection)")
            # All may have been answered before the cut: then it is this one that meets it.
            answer = client.ask("read 0x1000 4")
            if answer.startswith("unknown"):
                answer = client.ask("read 0x1000 4")
            self.assertEqual(answer, "ok %08x" % round_number)
        client.finish()
        self.assertFields(client.last_fields("counters"), timeouts=0, failed=0, foreign=0)
        server.finish()
        with open(journal, encoding="ascii") as lines:
            ids = [line.split()[1] for line in lines]
        self.assertEqual(len(ids), len(set(ids)), "a request was sent twice")

    def test_what_happens_to_one_client_does_not_happen_to_another(self):
        server = self.our_server()
        network = self.proxy(server)
        victim = self.our_client(WORK[0], network, *WORK[1:], "--timeout", "100")
        others = [
            kind(
                "random",
                server,
                "--until-eof",
                "--progress",
                "50",
                "--identity",
                identity,
                "--base",
                identity * 0x100000,
                "--timeout",
                "60",
                "--wait-ready",
                "60",
            )
            for identity, kind in ((2, self.our_client), (3, self.zmq_client))
        ]
        for _ in range(ROUNDS):
            for kinds in CUTS:
                for client in [victim] + others:
                    client.expect_progress(300)
                network.cut(*kinds)
        for client in [victim] + others:
            client.finish()
        self.assertClean(victim)
        for client in others:
            self.assertClean(client, unknown=0)


class HeldUp(InteropTest):
    """Nothing is lost, but it comes too late."""

    def assertLate(self, client):
        """Answers came when nobody waited for them any more, and were recognised as such."""
        self.assertClean(client)
        field = "dropped" if client.name == "our_client" else "late"
        self.assertGreater(client.last_fields("counters")[field], 0, client.describe())

    def test_late_answers_find_nobody(self):
        for kind in (REQUEST, RESPONSE):
            for client_kind in (self.our_client, self.zmq_client):
                with self.subTest(kind=kind, client=client_kind.__name__):
                    # Responses have the connection to themselves that is held up.
                    ours = client_kind == self.our_client and kind == RESPONSE
                    network = self.proxy(self.our_server())
                    client = client_kind(
                        WORK[0],
                        network,
                        *WORK[1:],
                        "--timeout",
                        "0.5",
                        "--wait-ready",
                        "60",
                        *(("--no-duplex",) if ours else ()),
                    )
                    client.expect_progress(300)
                    network.hold(kind)
                    client.expect_unknown()
                    network.release()
                    client.expect_progress(300)
                    client.finish()
                    self.assertLate(client)

    def test_a_server_that_stood_still_mixes_nothing_up(self):
        server = self.our_server()
        clients = [
            kind(
                *WORK[:1],
                server,
                *WORK[1:],
                "--timeout",
                "0.5",
                "--wait-ready",
                "60",
                "--identity",
                identity,
                "--base",
                identity * 0x100000,
            )
            for identity, kind in ((1, self.our_client), (2, self.zmq_client), (3, self.zmq_client))
        ]
        for client in clients:
            client.expect_progress(300)
        server.pause()
        for client in clients:
            client.expect_unknown()
        server.resume()
        for client in clients:
            client.expect_progress(300)
        for client in clients:
            client.finish()
            self.assertLate(client)
