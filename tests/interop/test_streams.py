"""Both ends of the stream bridge, of this library and on libzmq as the reference's, against each
other. Every octet of every frame is checked by its receiver."""

from harness import InteropTest, Settings


class Streams(InteropTest):
    """One end of this library and one on libzmq."""

    def pair(self, server, client, frames, *arguments):
        """Exchanges frames in both directions; both ends, which have seen all of them."""
        both = ("--send", frames, "--expect", frames, *arguments)
        listening = self.start_server(server, "server", *both)
        other = ("client", "--port", listening.port, *both, "--seed", 2, "--peer-seed", 1)
        connecting = self.start(client, *other)
        for end in (listening, connecting):
            fields = end.expect("^done .*sent=%d received=%d" % (frames, frames))
            self.assertIsNotNone(fields)
        return listening, connecting

    def both_ways(self, frames, *arguments):
        for server, client in (
            ("our_stream", "zmq_stream"),
            ("zmq_stream", "our_stream"),
            ("our_stream", "our_stream"),
            ("zmq_stream", "zmq_stream"),
        ):
            with self.subTest(server=server, client=client):
                ends = self.pair(server, client, frames, *arguments)
                for end in ends:
                    end.finish()

    def test_frames_of_all_sizes_arrive_in_both_directions_with_their_metadata(self):
        self.both_ways(Settings.operations(20000 if Settings.full else 5000))

    def test_large_frames_arrive_in_both_directions(self):
        self.both_ways(Settings.operations(100), "--size-max", 3000000)

    def test_a_peer_that_stands_still_loses_nothing(self):
        frames = Settings.operations(20000)
        for server, client in (("our_stream", "zmq_stream"), ("zmq_stream", "our_stream")):
            with self.subTest(server=server, client=client):
                listening = self.start_server(server, "server", "--send", frames)
                client = self.start(
                    client, "client", "--port", listening.port, "--expect", frames, "--peer-seed", 1
                )
                client.expect("^listening ")
                client.pause()
                client.resume()
                client.pause()
                client.resume()
                client.expect("^done .*received=%d" % frames)
                for end in (client, listening):
                    end.finish()

    def test_several_clients_share_the_frames_of_a_server_and_it_gets_all_of_theirs(self):
        frames, count = Settings.operations(3000), 3
        server = self.start_server(
            "our_stream", "server", "--mixed", "--send", frames, "--expect", count * frames
        )
        kinds = ("zmq_stream", "our_stream", "our_stream")
        clients = [
            self.start(kind, "client", "--port", server.port, "--mixed", "--send", frames)
            for kind in kinds
        ]
        server.expect("^done .*received=%d" % (count * frames))
        for client in clients:
            client.expect("^done ")
        server.finish()
        self.assertFields(
            server.last_fields("counters"),
            frames_in=count * frames,
            frames_out=frames,
            dropped_in=0,
            dropped_out=0,
            malformed=0,
        )
        for client in clients:
            client.finish()
