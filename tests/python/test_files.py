"""Data files and super-frames."""

import bz2
import gc
import json
import os
import pathlib
import signal
import threading

import pytest
import rogue
import rogue.interfaces.stream as ris
import rogue.protocols.batcher as rpb
import rogue.utilities
import rogue.utilities.fileio as ruf

from support import HANG_S, LONG_US, TOP, run

ABC = bytes([7, 0, 0, 0, 0, 0, 0, 3]) + b"abc"


def vectors(name, kind):
    lines = (TOP / "tests" / "vectors" / (name + ".jsonl")).read_text().splitlines()
    return [row for row in map(json.loads, lines) if row["kind"] == kind]


class Sink(ris.Slave):
    """Keeps what arrives, in the form of the vectors."""

    def __init__(self, then=None):
        super().__init__()
        self.rows = []
        self.then = then

    def _acceptFrame(self, frame):
        self.rows.append(
            {
                "payload": bytes(frame.getBa()).hex(),
                "flags": frame.getFlags(),
                "channel": frame.getChannel(),
                "error": frame.getError(),
            }
        )
        if self.then is not None:
            self.then()


def send(source, row, error=None):
    payload = bytes.fromhex(row["payload"])
    frame = source._reqFrame(len(payload), True)
    frame.write(payload)
    flags = row.get("flags")
    frame.setFlags(row["first_user"] | row["last_user"] << 8 if flags is None else flags)
    frame.setChannel(row["channel"])
    frame.setError(row["error"] if error is None else error)
    source._sendFrame(frame)


def simple(payload, channel=0, error=0):
    return {"payload": payload.hex(), "flags": 0, "channel": channel, "error": error}


@pytest.mark.parametrize("row", vectors("fileio", "write"), ids=lambda row: row["description"])
def test_files_are_written_as_recorded(row, tmp_path):
    writer = ruf.StreamWriter()
    writer.setRaw(row["raw"])
    writer.setDropErrors(row["drop_errors"])
    writer.setMaxSize(row["max_size"])
    writer.setBufferSize(row["buffer_size"])
    assert writer.getRaw() == row["raw"]
    writer.open(tmp_path / "data")
    sources = {}
    for frame in row["frames"]:
        channel = frame["writer_channel"]
        if channel not in sources:
            sources[channel] = ris.Master()
            sources[channel] >> writer.getChannel(channel)
        send(sources[channel], frame)
    status = {
        "frame_count": writer.getFrameCount(),
        "total_size": writer.getTotalSize(),
        "current_size": writer.getCurrentSize(),
        "channel_counts": {
            str(channel): writer.getChannel(channel).getFrameCount() for channel in sources
        },
    }
    assert status == row["status"]
    writer.close()
    files = {path.name[len("data") :]: path.read_bytes().hex() for path in tmp_path.iterdir()}
    assert files == row["files"]


@pytest.mark.parametrize("row", vectors("fileio", "read"), ids=lambda row: row["description"])
def test_files_are_read_as_recorded(row, tmp_path):
    # A name without a dot, which Rogue does not take.
    path = tmp_path / "data"
    path.write_bytes(bytes.fromhex(row["file"]))
    reader, sink = ruf.StreamReader(), Sink()
    reader >> sink
    os.chdir(tmp_path)
    reader.open("data")
    reader.closeWait()
    assert sink.rows == row["frames"]
    assert not reader.isOpen() and not reader.isActive()
    assert (reader.getStats()["faults"] == 1) == (reader.getError() != "")


@pytest.mark.parametrize("row", vectors("batcher", "combine"), ids=lambda row: row["description"])
def test_super_frames_are_made_split_and_inverted_as_recorded(row):
    first = row["version"] == 1
    combiner = rpb.CombinerV1(row["width"]) if first else rpb.CombinerV2()
    splitter = rpb.SplitterV1() if first else rpb.SplitterV2()
    inverter = rpb.InverterV1() if first else rpb.InverterV2()
    source, whole, split, inverted = ris.Master(), Sink(), Sink(), Sink()
    source >> combiner >> whole
    combiner >> inverter >> inverted
    combiner >> splitter >> split
    combiner.sendBatch()
    assert whole.rows == []
    expected = bytes.fromhex(row["super_frame"]["payload"])
    for _ in range(expected[1]):
        send(source, row["records"][0])
        combiner.sendBatch()
    for sink in (whole, split, inverted):
        sink.rows.clear()
    for record in row["records"]:
        send(source, record)
    assert combiner.getCount() == row["queued"]
    combiner.sendBatch()
    assert whole.rows == [row["super_frame"]]
    if len(expected) >= (16 if first else 10):
        assert split.rows == row["splitter_output"]
        assert inverted.rows == row["inverter_output"]
    else:
        # What Rogue drops, although it makes it.
        assert [one["payload"] for one in split.rows] == [row["records"][0]["payload"]]
    assert combiner.getStats()["queued"] == 0


@pytest.mark.parametrize("row", vectors("batcher", "split"), ids=lambda row: row["description"])
def test_what_is_no_super_frame_is_dropped(row):
    source, sink = ris.Master(), Sink()
    splitter = rpb.SplitterV1() if row["version"] == 1 else rpb.SplitterV2()
    source >> splitter >> sink
    send(source, simple(bytes.fromhex(row["input"])), row["error"])
    assert sink.rows == row["splitter_output"]
    assert splitter.getStats()["dropped"] == (not sink.rows)


def test_widths_and_numbers_out_of_range_are_refused():
    with pytest.raises(rogue.GeneralError, match="Invalid width 6"):
        rpb.CombinerV1(6)
    for make in (lambda: rpb.CombinerV1(256), lambda: rpb.CombinerV1(-1)):
        with pytest.raises(OverflowError):
            make()
    writer = ruf.StreamWriter()
    for channel in (-1, 256):
        with pytest.raises(OverflowError):
            writer.getChannel(channel)
    with pytest.raises(OverflowError):
        writer.waitFrameCount(1, -1)
    with pytest.raises(RuntimeError):
        ruf.StreamWriterChannel()
    with pytest.raises(TypeError):
        ruf.StreamReader(frame_bytes=1)


def test_channels_are_made_once_and_counted():
    writer = ruf.StreamWriter()
    channel = writer.getChannel(3)
    assert writer.getChannel(3) is channel is not writer.getChannel(4)
    source = ris.Master()
    source >> channel
    send(source, simple(b"unopened"))
    assert channel.getFrameCount() == 1 and writer.getFrameCount() == 0
    assert writer.getStats()["unopened"] == 1
    channel.setFrameCount(7)
    assert channel.waitFrameCount(7, 1) and not channel.waitFrameCount(8, 1.5)


def test_waits_end_with_the_count_and_without_a_limit(tmp_path):
    writer, source = ruf.StreamWriter(), ris.Master()
    source >> writer.getChannel(3)
    with writer:
        writer.open(str(tmp_path / "data"))
        sender = threading.Thread(target=lambda: [send(source, simple(b"abc")) for _ in range(3)])
        sender.start()
        assert writer.waitFrameCount(2, 0) and writer.getChannel(3).waitFrameCount(3, LONG_US)
        sender.join(HANG_S)
        assert writer.getBandwidth() > 0 and "open" in repr(writer)
        assert not writer.waitFrameCount(4, 1000)
    assert not writer.isOpen() and (tmp_path / "data").read_bytes() == 3 * ABC


def test_the_file_is_closed_by_the_last_of_writer_and_streams(tmp_path):
    path = tmp_path / "data"
    source, writer = ris.Master(), ruf.StreamWriter()
    writer.setBufferSize(1000)
    writer.open(path)
    source >> writer.getChannel(3)
    del writer
    gc.collect()
    send(source, simple(b"abc"))
    assert path.read_bytes() == b""
    source._stop()
    del source
    gc.collect()
    assert path.read_bytes() == ABC


def test_the_end_of_the_interpreter_writes_out_the_buffer(tmp_path):
    path = tmp_path / "data"
    status, _, error = run(
        """
        import sys
        import rogue.interfaces.stream as ris
        import rogue.utilities.fileio as ruf

        writer, source = ruf.StreamWriter(), ris.Master()
        writer.setBufferSize(1000)
        writer.open(sys.argv[1])
        source >> writer.getChannel(3)
        frame = source._reqFrame(3, True)
        frame.write(b"abc")
        source._sendFrame(frame)
        """,
        path,
    )
    assert (status, error) == (0, "")
    assert path.read_bytes() == ABC


def test_failures_are_raised_in_words(tmp_path):
    writer, reader, source = ruf.StreamWriter(), ruf.StreamReader(), ris.Master()
    absent = str(tmp_path / "absent" / "data")
    for one, name in ((writer, "StreamWriter"), (reader, "StreamReader")):
        with pytest.raises(rogue.GeneralError) as raised:
            one.open(absent)
        start = "%s::open: General Error: Failed to open data file: %s: " % (name, absent)
        assert str(raised.value).startswith(start)
        assert not one.isOpen()
    writer.open("/dev/full")
    source >> writer.getChannel(1)
    send(source, simple(b"abc"))
    assert not writer.isOpen() and "No space left on device" in writer.getError()
    with pytest.raises(rogue.GeneralError, match="Write failed, closing file!"):
        writer.close()
    writer.close()
    assert writer.getStats()["lost"] == 1


def test_a_series_is_read_from_its_first_file_on_with_a_limit_of_frames(tmp_path):
    writer, source = ruf.StreamWriter(), ris.Master()
    writer.setMaxSize(20)
    writer.open(tmp_path / "data")
    source >> writer.getChannel(3)
    for payload in (b"abc", b"0123456789", b"abc"):
        send(source, simple(payload))
    writer.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.1", "data.2", "data.3"]
    sink = Sink()
    with ruf.StreamReader(frame_bytes_max=9) as reader:
        reader >> sink
        reader.open(tmp_path / "data.1")
        reader.closeWait()
        assert [row["payload"] for row in sink.rows] == [b"abc".hex()] * 2
        assert reader.getStats()["left_out"] == 1 and "A record of 10 bytes" in reader.getError()


def many(tmp_path):
    path = tmp_path / "many"
    path.write_bytes(1000 * ABC)
    return path


def test_a_reader_is_closed_in_a_delivery(tmp_path):
    reader = ruf.StreamReader()
    sink = Sink(lambda: (reader.closeWait(), reader.close()))
    reader >> sink
    reader.open(many(tmp_path))
    reader.closeWait()
    assert len(sink.rows) == 1


def test_close_open_and_the_end_of_a_reader_do_not_wait_for_the_file(tmp_path):
    path, entered, gate = many(tmp_path), threading.Event(), threading.Event()

    def wait():
        entered.set()
        assert gate.wait(HANG_S)

    reader, sink = ruf.StreamReader(), Sink(wait)
    reader >> sink
    reader.open(path)
    assert entered.wait(HANG_S) and reader.isActive()
    reader.close()
    assert not reader.isOpen()
    gate.set()
    reader.open(path)
    reader.open(path)
    reader.closeWait()
    assert 1000 <= len(sink.rows) <= 2002
    reader.open(path)
    del reader
    gc.collect()


@pytest.mark.parametrize("what", ["writer", "reader"])
def test_ctrl_c_ends_a_wait(what, tmp_path):
    gate = threading.Event()
    if what == "writer":
        writer = ruf.StreamWriter()
        wait = lambda: writer.waitFrameCount(1, 0)  # noqa: E731
    else:
        reader, sink = ruf.StreamReader(), Sink(lambda: gate.wait(HANG_S))
        reader >> sink
        reader.open(many(tmp_path))
        wait = reader.closeWait
    timer = threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        timer.start()
        wait()
    gate.set()
    timer.join(HANG_S)


def test_names_may_be_of_any_kind_of_path(tmp_path):
    writer = ruf.StreamWriter()
    for name in (str(tmp_path / "a"), tmp_path / "b", os.fsencode(tmp_path / "c")):
        writer.open(name)
        assert writer.isOpen()
    writer.close()
    assert sorted(path.name for path in pathlib.Path(tmp_path).iterdir()) == ["a", "b", "c"]


ZIPPED = vectors("fileio", "zip")


@pytest.mark.parametrize("row", ZIPPED, ids=lambda row: row["description"])
def test_frames_are_compressed_and_decompressed_as_recorded(row):
    source, zipped, unzipped = ris.Master(), Sink(), Sink()
    compressor = rogue.utilities.StreamZip()
    source >> compressor >> rogue.utilities.StreamUnZip() >> unzipped
    compressor >> zipped
    send(source, row["input"])
    assert (zipped.rows, unzipped.rows) == ([row["compressed"]], [row["unzipped"]])


def accept(node, payload):
    """Hands a frame to `node` without a stream between."""
    frame = ris.Master()._reqFrame(max(len(payload), 1))
    frame.write(payload)
    node._acceptFrame(frame)


def test_damaged_payloads_are_refused_in_words_and_what_comes_behind_the_first_is_ignored(capfd):
    whole = bytes.fromhex(ZIPPED[0]["compressed"]["payload"])
    plain = ZIPPED[0]["input"]["payload"]
    node, sink = rogue.utilities.StreamUnZip(), Sink()
    node >> sink
    for length in range(1, len(whole)):
        with pytest.raises(rogue.GeneralError, match="Truncated or corrupt bzip2 stream"):
            accept(node, whole[:length])
    with pytest.raises(rogue.GeneralError, match="Decompression runtime error: "):
        accept(node, b"this is no stream of bzip2")
    assert sink.rows == []
    for behind in (b"", b"x", whole):
        accept(node, whole + behind)
    assert [row["payload"] for row in sink.rows] == [plain] * 3
    source = ris.Master()
    source >> node
    send(source, simple(b"garbage"))
    assert "Decompression runtime error" in capfd.readouterr().err and len(sink.rows) == 3


def test_a_small_frame_cannot_stand_for_all_memory(monkeypatch):
    monkeypatch.setattr("rogue._impl.compress._BYTES_MAX", 1000)
    node, sink = rogue.utilities.StreamUnZip(), Sink()
    node >> sink
    accept(node, bz2.compress(bytes(999)))
    with pytest.raises(rogue.GeneralError, match="more than 1000 bytes"):
        accept(node, bz2.compress(bytes(1_000_000)))
    assert len(sink.rows) == 1


def test_empty_frames_pass_compression():
    source, sink = ris.Master(), Sink()
    source >> rogue.utilities.StreamZip() >> rogue.utilities.StreamUnZip() >> sink
    send(source, simple(b"", 5, 7))
    assert sink.rows == [simple(b"", 5, 7)]
