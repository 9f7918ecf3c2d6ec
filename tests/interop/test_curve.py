"""This library with CURVE and libzmq with CURVE, against each other in both directions."""

from harness import InteropTest, Settings

PAIRS = (("our_client", "zmq_server"), ("zmq_client", "our_server"), ("our_client", "our_server"))


class Curve(InteropTest):
    """Both ends have keys."""

    def pairs(self, mode, *arguments, accept="any"):
        """Each client on each server that is not of its own kind alone."""
        for client, server in PAIRS:
            # A server on libzmq accepts any client, unless somebody else decides.
            if server == "zmq_server" and accept != "any":
                continue
            with self.subTest(client=client, server=server):
                listening = self.start_server(server, "--curve", accept)
                port = ("--port", listening.port)
                yield self.start(client, mode, *port, "--curve", "on", *arguments)

    def test_every_type_does_its_work(self):
        for accept in ("any", "client"):
            for client in self.pairs("rw", "--timeout", "60", accept=accept):
                self.assertEqual(client.ask("read 0x1000 4"), "ok 00000000")
                self.assertEqual(client.ask("write 0x1001 01020304"), "ok")
                self.assertEqual(client.ask("post 0x1005 aa"), "ok")
                self.assertEqual(client.ask("verify 0x1000 8"), "ok 0001020304aa0000")
                client.finish()

    def test_blocks_of_every_size_arrive_whole(self):
        # Around the sizes from which on they are sealed from where they are, and by other means.
        sizes = (1, 191, 192, 193, 4095, 5999, 6000, 16383, 16384, 65535, 65536, 300001, 1048576)
        for client in self.pairs("rw", "--timeout", "60"):
            for size in sizes:
                self.assertEqual(client.ask("fill 0x20000 %d %d" % (size, size)), "ok")
                self.assertEqual(client.ask("check 0x20000 %d %d" % (size, size)), "ok")
            self.assertEqual(
                client.ask("burst 0x20000 65536 16 65536 1048576"),
                "burst ok=16 failed=0 unknown=0 differing=0",
            )
            client.finish()

    def test_a_random_workload_finds_what_it_wrote(self):
        arguments = ("--timeout", "60", "--ops", Settings.operations(5000), "--window", 16)
        for client in self.pairs("random", *arguments):
            client.expect_exit()
            self.assertClean(client, unknown=0)

    def test_a_client_that_expects_another_server_is_not_served(self):
        for client, server in PAIRS:
            with self.subTest(client=client, server=server):
                listening = self.start_server(server, "--curve", "any")
                options = ("--port", listening.port, "--wait-ready", "1", "--timeout", "1")
                asking = self.start(client, "rw", *options, "--curve", "other")
                self.assertRegex(asking.ask("read 0x1000 4"), "^(error|unknown|expired|failed)")

    def test_a_client_without_curve_or_that_is_not_accepted_is_not_served(self):
        for accept, curve in (("any", ()), ("nobody", ("--curve", "on"))):
            for client in ("our_client", "zmq_client"):
                with self.subTest(client=client, accept=accept):
                    listening = self.our_server("--curve", accept)
                    options = ("--port", listening.port, "--wait-ready", "1", "--timeout", "1")
                    asking = self.start(client, "rw", *options, *curve)
                    self.assertRegex(asking.ask("read 0x1000 4"), "^(error|unknown|expired|failed)")
                    listening.finish()
                    self.assertFields(listening.last_fields("counters"), reads=0)
