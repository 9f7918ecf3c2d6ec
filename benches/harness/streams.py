"""Frames from one process to another: over the stream bridge, and over RSSI."""

from . import programs

FRAME_BYTES = 10000
FRAMES_QUICK = 1000


class Road:
    """One way of frames."""

    def __init__(self, title, road, frames, loss=None):
        self.title = title
        self.road = road
        # Frames of a sample, after as many that do not count.
        self.frames = frames
        # Datagrams of 1000 that a relay between the processes loses; None: there is no relay.
        self.loss = loss


ROADS = {
    "stream_frames": Road("through the stream bridge", "bridge", 200000),
    "rssi_frames": Road("over packetizer, RSSI and UDP", "rssi", 50000),
    "rssi_relay": Road("over RSSI, through a relay", "rssi", 20000, 0),
    "rssi_loss": Road("over RSSI, through a relay that loses 1 %", "rssi", 20000, 10),
}


def pass_frames(server, client, count):
    """The nanoseconds from before the first frame is made until the last has come."""
    server.send("receive frames=%d" % count)
    first_ns = client.ask("send frames=%d bytes=%d" % (count, FRAME_BYTES))["first_ns"]
    return server.answer()["last_ns"] - first_ns


def frames(bin_dir, placement, road, quick, seed):
    """The rate at which frames arrive, and what each costs. The seed decides which datagrams a
    relay loses."""
    count = FRAMES_QUICK if quick else road.frames
    with programs.Session(bin_dir, placement) as session:
        server, client = session.start("stream_server"), session.start("stream_client")
        port = server.ask("open road=" + road.road)["port"]
        if road.loss is not None:
            words = ("--port", port, "--loss", road.loss, "--seed", seed)
            session.start_server("stream_relay", *(str(word) for word in words))
            port = session.port
        client.ask("open road=%s port=%d" % (road.road, port))
        pass_frames(server, client, count)
        ends = (server, client)
        before = [end.ask("usage") for end in ends]
        elapsed_ns = pass_frames(server, client, count)
        after = [end.ask("usage") for end in ends]
        session.finish()
    used = [
        {key: now[key] - earlier[key] for key in earlier} for earlier, now in zip(before, after)
    ]
    return {
        "frames": count,
        "rate_per_s": count * 1e9 / elapsed_ns,
        "bytes_per_s": count * FRAME_BYTES * 1e9 / elapsed_ns,
        "server_cpu_ns": used[0]["cpu_ns"] / count,
        "client_cpu_ns": used[1]["cpu_ns"] / count,
        "server_switches": (used[0]["voluntary"] + used[0]["involuntary"]) / count,
        "client_switches": (used[1]["voluntary"] + used[1]["involuntary"]) / count,
        "retransmits": used[1]["retransmits"] / count,
    }
