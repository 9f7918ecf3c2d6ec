"""CURVE from Python: keys, their files, both bridges, and what is said to a client without them."""

import os

import pytest
import rogue
import rogue.interfaces.memory as memory
import rogue.interfaces.stream as stream
from rogue.security import CurveClient, CurveKeys, CurveServer

from support import wait_until


def test_keys_survive_their_files_which_only_their_owner_may_read(tmp_path):
    keys = CurveKeys()
    path = tmp_path / "board.key"
    keys.save(path)
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert CurveKeys(path).public == keys.public and len(keys.public) == 40
    assert keys.public in (tmp_path / "board.key.pub").read_text()
    assert keys.public in repr(keys)
    with pytest.raises(rogue.GeneralError, match=r"board\.key"):
        keys.save(path)
    os.chmod(path, 0o644)
    with pytest.raises(rogue.GeneralError, match="chmod 600"):
        CurveKeys(path)


def test_a_client_with_the_keys_comes_in_and_one_without_is_told_why(tmp_path):
    own, other = CurveKeys(), CurveKeys()
    curve = CurveServer(CurveKeys(), [own.public])
    with memory.TcpServer("127.0.0.1", 0, curve=curve) as server:
        server._setSlave(memory.Emulate(4, 0x1000))
        port = server.getPort()
        good = memory.TcpClient("127.0.0.1", port, curve=CurveClient(curve.public, own))
        assert good.waitReady(30, 0.05)
        master = memory.Master()
        master._setSlave(good)
        sent, back = bytearray(b"sealed!!"), bytearray(8)
        master._waitTransaction(master._reqTransaction(0x10, sent, 8, 0, memory.Write))
        assert master._getError() == ""
        master._waitTransaction(master._reqTransaction(0x10, back, 8, 0, memory.Read))
        assert back == sent
        clear = memory.TcpClient("127.0.0.1", port)
        assert wait_until(lambda: "requires CURVE" in clear.getStateText())
        refused = memory.TcpClient("127.0.0.1", port, curve=CurveClient(curve.public, other))
        assert wait_until(lambda: other.public in refused.getStateText())
        assert server.getStats()["refused_keys"] > 0
        # A list from a file, and a client whose key is withdrawn.
        listed = tmp_path / "clients"
        listed.write_text("# desk\npublic %s desk 2\n" % other.public)
        curve.setClients(listed)
        assert refused.waitReady(30, 0.05)
        assert wait_until(lambda: own.public in good.getStateText())
        curve.setClients(None)
        assert good.waitReady(30, 0.05)
        for client in (good, clear, refused):
            client.close()


def test_streams_have_it_too():
    curve = CurveServer(CurveKeys())
    server = stream.TcpServer("127.0.0.1", 0, curve=curve)
    client = stream.TcpClient("127.0.0.1", server.getPort(), curve=CurveClient(curve.public))
    assert wait_until(lambda: server.getStats()["peers"] == 1)
    client.close()
    server.close()


def test_what_is_no_key_is_refused_in_words():
    with pytest.raises(rogue.GeneralError, match="40 characters"):
        CurveClient("no key")
    curve = CurveServer(CurveKeys(), [])
    with pytest.raises(rogue.GeneralError, match="40 characters"):
        curve.setClients(["no key"])
    with pytest.raises(rogue.GeneralError, match="missing"):
        curve.setClients("missing")
    before = curve.public
    curve.setKeys(CurveKeys())
    assert curve.public != before
