"""Access lists from Python: rules, their files, both bridges, and changes."""

import os

import pytest
import rogue
import rogue.interfaces.memory as memory
import rogue.interfaces.stream as stream
from rogue.security import AccessList

from support import wait_until


def error_of(master, address, kind):
    """The error of an access of 4 bytes."""
    master._clearError()
    request = master._reqTransaction(address, bytearray(4), 4, 0, kind)
    master._waitTransaction(request)
    return master._getError()


def test_a_client_may_do_what_its_rule_says_and_that_changes(tmp_path):
    access = AccessList(["127.0.0.1 read read-write 0x100..0x1ff  # the crew", "* none"])
    with memory.TcpServer("127.0.0.1", 0, access_list=access) as server:
        server._setSlave(memory.Emulate(4, 0x1000))
        client = memory.TcpClient("127.0.0.1", server.getPort())
        assert client.waitReady(30, 0.05)
        master = memory.Master()
        master._setSlave(client)
        assert error_of(master, 0x100, memory.Write) == ""
        assert error_of(master, 0x800, memory.Read) == ""
        refused = error_of(master, 0x200, memory.Write)
        assert "Write of 4 bytes at 0x200 refused: the access list of 127.0.0.1:" in refused
        assert "lets 127.0.0.1 read everything, and write only 0x100..0x1ff" in refused
        path = tmp_path / "rules"
        path.write_text("# nobody writes\n127.0.0.0/8 read\n")
        os.chmod(path, 0o644)
        access.setRules(path)
        assert wait_until(lambda: error_of(master, 0x100, memory.Write) != "")
        assert "lets 127.0.0.1 read only" in error_of(master, 0x100, memory.Write)
        access.setRules(["192.0.2.1 read"])
        assert wait_until(lambda: "access list does not let 127.0.0.1 in" in client.getStateText())
        stats = server.getStats()
        assert stats["refused_peers"] > 0 and stats["refused_windows"] == 1
        assert stats["refused_writes"] > 0
        access.setRules(str(path))
        assert client.waitReady(30, 0.05)
        client.close()


def test_what_is_wrong_is_said_with_file_and_line(tmp_path):
    path = tmp_path / "rules"
    path.write_text("127.0.0.1 read\n127.0.0.1 write\n")
    os.chmod(path, 0o644)
    with pytest.raises(rogue.GeneralError, match=r'rules: line 2: "write" is no right'):
        AccessList(path)
    with pytest.raises(rogue.GeneralError, match=r"line 1: .* no peer"):
        AccessList(["board read"])
    with pytest.raises(rogue.GeneralError, match="no rule"):
        AccessList([])
    os.chmod(path, 0o666)
    with pytest.raises(rogue.GeneralError, match="chmod go-w"):
        AccessList(path)
    access = AccessList(["* read"])
    with pytest.raises(rogue.GeneralError, match="chmod go-w"):
        access.setRules(path)


def test_a_stream_server_lets_in_peers_with_any_right():
    access = AccessList(["127.0.0.1 read"])
    with stream.TcpServer("127.0.0.1", 0, access_list=access) as server:
        client = stream.TcpClient("127.0.0.1", server.getPort())
        assert wait_until(lambda: server.getStats()["peers"] == 1)
        access.setRules(["uid:0 read"])
        assert wait_until(lambda: server.getStats()["peers"] == 0)
        assert server.getStats()["refused_peers"] > 0
        client.close()
