"""Frames through the stream bridge, from one process to another."""

from . import programs

FRAME_BYTES = 10000
# Frames of a sample, after as many that do not count.
FRAMES = 200000
FRAMES_QUICK = 1000


def frames(bin_dir, placement, quick):
    """The rate at which frames arrive: from before the first is made until the last has come."""
    count = FRAMES_QUICK if quick else FRAMES
    with programs.Session(bin_dir, placement) as session:
        server, client = session.start("stream_server"), session.start("stream_client")
        client.ask("open port=%d" % server.ask("open")["port"])
        for _ in range(2):
            server.send("receive frames=%d" % count)
            first_ns = client.ask("send frames=%d bytes=%d" % (count, FRAME_BYTES))["first_ns"]
            elapsed_ns = server.answer()["last_ns"] - first_ns
        session.finish()
    return {
        "frames": count,
        "rate_per_s": count * 1e9 / elapsed_ns,
        "bytes_per_s": count * FRAME_BYTES * 1e9 / elapsed_ns,
    }
