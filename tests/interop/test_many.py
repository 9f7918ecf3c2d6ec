"""Several clients, of this library and of the reference, on one server of this library."""

from harness import InteropTest, Settings

OPERATIONS_EACH = 100000
MEMORY = ("0x10000", "0x100000")
NEVER = ("--spin-us", "0xFFFFFFFF")
ALWAYS = ("--spin-us", "200")
# What our clients and our servers do to save time: every two of the choices occur together in one
# of these, and in the default.
SPEEDS = (
    (NEVER, NEVER),
    (NEVER + ("--no-direct", "--no-duplex"), NEVER + ("--no-duplex",)),
    (("--no-duplex",), ("--no-duplex",)),
    (("--no-direct",), ()),
    (ALWAYS, ALWAYS),
    (ALWAYS + ("--no-direct", "--no-duplex"), ALWAYS + ("--no-duplex",)),
)


class Many(InteropTest):
    """Every value compared, zero differences."""

    def test_four_processes_with_a_hundred_thousand_operations_each(self):
        operations = Settings.operations(OPERATIONS_EACH)
        server = self.our_server()
        clients = [
            self.our_client(
                "random",
                server,
                "--ops",
                operations,
                "--window",
                "64",
                "--seed",
                identity,
                "--identity",
                identity,
                "--base",
                identity * 0x100000,
                "--timeout",
                "60",
            )
            for identity in range(1, 5)
        ]
        for client in clients:
            client.expect_exit(timeout_s=500)
            fields = self.assertClean(client, unknown=0)
            self.assertGreaterEqual(fields["ok"], operations)
            self.assertFields(client.last_fields("counters"), dropped=0, disconnects=0)
        server.finish()
        self.assertFields(server.last_fields("counters"), malformed=0, dropped=0)

    def test_both_kinds_of_client_at_once(self):
        operations = Settings.operations(50000 if Settings.full else 10000)
        for backing in ((), ("--emulate",), ("--delay-ms", "1")):
            with self.subTest(" ".join(backing)):
                server = self.our_server(*backing)
                clients = []
                for identity in range(1, 5):
                    kind = self.our_client if identity % 2 else self.zmq_client
                    clients.append(
                        kind(
                            "random",
                            server,
                            "--ops",
                            operations,
                            "--window",
                            "50",
                            "--seed",
                            "7",
                            "--identity",
                            identity,
                            "--base",
                            identity * 0x100000,
                            "--timeout",
                            "60",
                            "--wait-ready",
                            "60",
                        )
                    )
                for client in clients:
                    client.expect_exit()
                    self.assertClean(client, unknown=0)
                server.finish()
                self.assertFields(server.last_fields("counters"), malformed=0, dropped=0)

    def test_both_kinds_of_client_through_restarts(self):
        def start(*more):
            return self.our_server("--memory", self.memory_file(), *MEMORY, *more)

        server = start()
        clients = []
        for identity in range(1, 5):
            kind, timeout = (self.our_client, 60) if identity % 2 else (self.zmq_client, 0.5)
            clients.append(
                kind(
                    "random",
                    server,
                    "--until-eof",
                    "--progress",
                    "100",
                    "--tolerate-restarts",
                    "--window",
                    "16",
                    "--seed",
                    "7",
                    "--identity",
                    identity,
                    "--base",
                    0x10000 * identity,
                    "--timeout",
                    timeout,
                    "--wait-ready",
                    "60",
                )
            )
        self.restarts(server, clients, 8 if Settings.full else 3, start)
        for client in clients:
            client.finish()
            self.assertClean(client)

    def test_d09_a_hundred_thousand_outstanding_reads_are_all_answered(self):
        count = Settings.operations(100000)
        server = self.our_server("--delay-ms", "20", "--slave-timeout", "60")
        client = self.our_client("rw", server, "--timeout", "300")
        self.assertEqual(client.ask("fill 0x20000 1048576 5"), "ok")
        self.assertEqual(
            client.ask("burst 0x20000 4 %d 8 5" % count),
            "burst ok=%d failed=0 unknown=0 differing=0" % count,
        )
        counters = client.counters()
        client.finish()
        server.finish()
        served = server.last_fields("counters")
        self.assertFields(served, reads=count, dropped=0, malformed=0)
        # Bounded: the server holds a window of requests, the client what it was given.
        if not Settings.wrap:
            print(
                "%d outstanding reads: client %d KiB, server %d KiB at most"
                % (count, counters["peak_kib"], served["peak_kib"])
            )
            self.assertLess(served["peak_kib"], 64 << 10)
            self.assertLess(counters["peak_kib"], 256 << 10)

    def test_a_strictly_serial_server_serves_everybody(self):
        server = self.our_server("--window", "1")
        clients = [
            kind(
                "random",
                server,
                "--ops",
                Settings.operations(5000),
                "--window",
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
            for identity, kind in ((1, self.our_client), (2, self.zmq_client))
        ]
        for client in clients:
            client.expect_exit()
            self.assertClean(client, unknown=0)


class Speeds(InteropTest):
    """Each way to save time, forced on and off."""

    def each(self):
        """The arguments of our clients and of our server, one way after the other."""
        for client, server in SPEEDS:
            with self.subTest("client %s, server %s" % (" ".join(client), " ".join(server))):
                yield client, server

    def start_mixed(self, server, ours, *more):
        """Two clients of each kind; `ours` are arguments of ours only."""
        clients = []
        for identity in range(1, 5):
            kind, own = (self.our_client, ours) if identity % 2 else (self.zmq_client, ())
            clients.append(
                kind(
                    "random",
                    server,
                    "--seed",
                    identity,
                    "--identity",
                    identity,
                    "--base",
                    0x10000 * identity,
                    "--wait-ready",
                    "60",
                    *own,
                    *more,
                )
            )
        return clients

    def test_both_kinds_of_client_at_once(self):
        for ours, servers in self.each():
            for window in (1, 50):
                server = self.our_server(*servers)
                operations = Settings.operations(1000 if window == 1 else 5000)
                for client in self.start_mixed(
                    server, ours, "--ops", operations, "--window", window, "--timeout", "60"
                ):
                    client.expect_exit()
                    self.assertClean(client, unknown=0)
                server.finish()
                self.assertFields(server.last_fields("counters"), malformed=0, dropped=0)

    def test_our_client_on_the_server_of_the_reference(self):
        for ours, _ in self.each():
            server = self.zmq_server("--no-probes", "--unique-ids")
            client = self.our_client(
                "random",
                server,
                "--ops",
                Settings.operations(5000),
                "--window",
                "50",
                "--timeout",
                "60",
                *ours,
            )
            client.expect_exit()
            self.assertClean(client, unknown=0)
            server.finish()

    def test_both_kinds_of_client_through_restarts(self):
        for number, (ours, servers) in enumerate(self.each()):
            memory = self.memory_file("memory%d" % number)

            def start(*more, memory=memory, servers=servers):
                return self.our_server("--memory", memory, *MEMORY, *servers, *more)

            server = start()
            clients = self.start_mixed(
                server,
                ours,
                "--until-eof",
                "--progress",
                "100",
                "--tolerate-restarts",
                "--window",
                "16",
                "--timeout",
                "0.5",
            )
            server = self.restarts(server, clients, 3 if Settings.full else 1, start)
            for client in clients:
                client.finish()
                self.assertClean(client)
            server.finish()


class Addresses(InteropTest):
    """Where a server may listen, and how clients find it there."""

    def test_clients_find_a_server_on_every_form_of_address(self):
        forms = (
            ("*", "127.0.0.1", (self.our_client, self.zmq_client)),
            ("*", "localhost", (self.our_client, self.zmq_client)),
            ("lo", "127.0.0.1", (self.our_client, self.zmq_client)),
            ("0.0.0.0", "127.0.0.1", (self.our_client, self.zmq_client)),
            # libzmq leaves IPv6 off.
            ("::1", "::1", (self.our_client,)),
            ("localhost", "localhost", (self.our_client,)),
        )
        for listen, connect, kinds in forms:
            for kind in kinds:
                with self.subTest(listen=listen, connect=connect, client=kind.__name__):
                    server = self.our_server("--host", listen)
                    client = kind("rw", server, "--host", connect, "--timeout", "60")
                    client.expect("^ready$")
                    self.assertEqual(client.ask("read 0x1000 4"), "ok 00000000")
                    client.finish()
                    server.finish()
