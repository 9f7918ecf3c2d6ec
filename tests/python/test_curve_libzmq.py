"""CURVE with libzmq at the other end, in both directions."""

import struct
import threading

import pytest
import rogue.interfaces.memory as memory
from rogue.security import CurveClient, CurveKeys, CurveServer

from support import wait_until

zmq = pytest.importorskip("zmq")
if not zmq.has("curve"):
    pytest.skip("this libzmq has no CURVE", allow_module_level=True)

SIZES = [4, 250, 256, 70_000, 1 << 20]
READ, WRITE = 1, 2


def socket_of(context, kind, own, server=None):
    """A socket with the keys `own`, of a client if it knows the key of a server."""
    public, secret = own
    socket = context.socket(kind)
    socket.linger = 0
    socket.rcvtimeo = 30_000
    socket.curve_publickey, socket.curve_secretkey = public, secret
    if server is None:
        socket.curve_server = 1
    else:
        socket.curve_serverkey = server
    return socket


def test_a_libzmq_client_reads_and_writes():
    own = zmq.curve_keypair()
    curve = CurveServer(CurveKeys(), [own[0].decode()])
    server = memory.TcpServer("127.0.0.1", 0, curve=curve)
    server._setSlave(memory.Emulate(4, 1 << 21))
    with zmq.Context() as context:
        push = socket_of(context, zmq.PUSH, own, curve.public.encode())
        pull = socket_of(context, zmq.PULL, own, curve.public.encode())
        pull.connect("tcp://127.0.0.1:%d" % (server.getPort() + 1))
        push.connect("tcp://127.0.0.1:%d" % server.getPort())
        for number, size in enumerate(SIZES):
            data = bytes((at * 7 + size) & 0xFF for at in range(size))
            for kind, payload in ((WRITE, [data]), (READ, [])):
                head = [struct.pack("<I", 2 * number + kind), struct.pack("<Q", 0x100)]
                head += [struct.pack("<I", size), struct.pack("<I", kind)]
                push.send_multipart(head + payload)
                answer = pull.recv_multipart()
                assert answer[:4] == head and answer[5] == b"OK"
            assert answer[4] == data
        # A withdrawn key: the client's connection closes, and it comes back once it may.
        curve.setClients([])
        assert wait_until(lambda: not server.getStats()["clients"])
        curve.setClients(None)
        head = [struct.pack("<I", 99), struct.pack("<Q", 0), struct.pack("<I", 4)]
        push.send_multipart([*head, struct.pack("<I", READ)])
        assert pull.recv_multipart()[0] == head[0]
        push.close()
        pull.close()
    server.close()


def test_a_libzmq_server_is_read_and_written():
    serving, own = zmq.curve_keypair(), CurveKeys()
    with zmq.Context() as context:
        pull = socket_of(context, zmq.PULL, serving)
        push = socket_of(context, zmq.PUSH, serving)
        for _ in range(100):
            port = pull.bind_to_random_port("tcp://127.0.0.1")
            try:
                push.bind("tcp://127.0.0.1:%d" % (port + 1))
                break
            except zmq.ZMQError:
                pull.unbind("tcp://127.0.0.1:%d" % port)
        kept = {}

        def serve():
            for _ in range(2 * len(SIZES)):
                parts = pull.recv_multipart()
                size, kind = (struct.unpack("<I", part)[0] for part in parts[2:4])
                if kind == WRITE:
                    kept[size] = parts[4]
                push.send_multipart([*parts[:4], kept[size], b"OK"])

        thread = threading.Thread(target=serve)
        thread.start()
        curve = CurveClient(serving[0].decode(), own)
        client = memory.TcpClient("127.0.0.1", port, curve=curve)
        master = memory.Master()
        master._setTimeout(30_000_000)
        master._setSlave(client)
        for size in SIZES:
            data = bytearray((at * 5 + size) & 0xFF for at in range(size))
            back = bytearray(size)
            for buffer, kind in ((data, memory.Write), (back, memory.Read)):
                master._waitTransaction(master._reqTransaction(0x100, buffer, size, 0, kind))
                assert master._getError() == ""
            assert back == data
        thread.join()
        client.close()
        push.close()
        pull.close()
