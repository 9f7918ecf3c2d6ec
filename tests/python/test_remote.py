"""Remote access to a tree: both ends against each other, against plain ZeroMQ, and byte by byte."""

import json
import os
import socket
import sys
import threading

import pytest
import rogue
import rogue.interfaces as ri
import zmq

from support import HANG_S, TOP, Printed, run, thread, wait_until

HOST = "127.0.0.1"
#: For answers that do not come.
SHORT_MS = 50
LONG_MS = HANG_S * 1000


class Server(ri.ZmqServer):
    """Answers ``r:`` and the request, or what `answers` has for it: a value, an exception, or a
    function."""

    def __init__(self, port=0, addr=HOST, answers=None):
        super().__init__(addr, port)
        self.answers = {} if answers is None else answers
        self.requests = []

    def act(self, request, otherwise):
        self.requests.append(request)
        answer = self.answers.get(request, otherwise)
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer

    def _doRequest(self, data):
        return self.act(data, b"r:" + data)

    def _doString(self, data):
        return self.act(data, "s:" + data)

    def __enter__(self):
        self._start()
        return self

    def __exit__(self, *_exception):
        self._stop()


class Client(ri.ZmqClient):
    """Keeps its updates."""

    def __init__(self, port, is_text=False, timeouts=(1000, LONG_MS)):
        self.updates = []
        super().__init__(HOST, port, is_text)
        self.setTimeout(*timeouts)

    def _doUpdate(self, data):
        self.updates.append(data)
        if data == b"raise":
            raise ValueError("a broken receiver")

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self._stop()


@pytest.fixture(params=[0, None])
def served(request):
    """A server at the first free ports, or at named ones."""
    port = request.param
    if port is None:
        port = free_ports()
    with Server(port) as server:
        yield server


def free_ports():
    """The first of three free ports in a row."""
    for base in range(30000 + os.getpid() % 1000 * 20, 65000):
        listening = []
        try:
            for port in range(base, base + 3):
                listening.append(socket.create_server((HOST, port)))
            return base
        except OSError:
            continue
        finally:
            for one in listening:
                one.close()
    raise AssertionError("no free ports")


def subscribed(server, client):
    """Publishes until the client's subscription has arrived."""
    assert wait_until(lambda: server._publish(b"first") or client.updates)


# --- requests and updates -------------------------------------------------------------------------


def test_requests_are_answered_and_updates_arrive_in_order(served):
    with Client(served.port()) as client:
        for request in (b"hello", bytes(range(256)), bytearray(b"again"), memoryview(b"view")):
            assert client._send(request) == b"r:" + bytes(request)
        subscribed(served, client)
        for number in range(100):
            served._publish(b"update %d" % number)
        served._publish(b"")
        served._publish(memoryview(b"last"))
        assert wait_until(lambda: client.updates[-1] == b"last")
    told = [update for update in client.updates if update != b"first"]
    assert told == [b"update %d" % number for number in range(100)] + [b"last"]


def test_texts_are_answered_with_paths_and_arguments_escaped(served):
    served.answers = {}
    with Client(served.port(), True) as client:
        assert client.getDisp("root.A") == 's:{"attr": "getDisp","path": "root.A"}'
        assert client.valueDisp("root.A") == 's:{"attr": "valueDisp","path": "root.A"}'
        assert client.exec("root.C") == 's:{"attr": "__call__","path": "root.C"}'
        assert client.setDisp('root."A"\\', 'ä\n"') is None
        assert json.loads(client.exec("root.C", 'x"\0').removeprefix("s:")) == {
            "attr": "__call__",
            "path": "root.C",
            "args": ['x"\0'],
        }
    assert json.loads(served.requests[3]) == {
        "attr": "setDisp",
        "path": 'root."A"\\',
        "args": ['ä\n"'],
    }


def test_many_threads_share_a_client_and_many_clients_a_server():
    with Server() as server, Client(server.port()) as one, Client(server.port()) as other:

        def ask(client, name):
            for number in range(50):
                request = b"%s %d" % (name, number)
                assert client._send(request) == b"r:" + request

        with (
            thread(ask, one, b"a"),
            thread(ask, one, b"b"),
            thread(ask, other, b"c"),
            thread(ask, other, b"d"),
        ):
            pass
    assert len(server.requests) == 200


def test_a_text_is_answered_while_a_request_is_being_carried_out():
    begun, go_on = threading.Event(), threading.Event()

    def slow():
        begun.set()
        assert go_on.wait(HANG_S)
        return b"at last"

    with (
        Server(answers={b"slow": slow}) as server,
        Client(server.port()) as client,
        Client(server.port(), True) as text,
    ):
        answers = []
        with thread(lambda: answers.append(client._send(b"slow"))):
            assert begun.wait(HANG_S)
            assert text.getDisp("a").startswith("s:")
            assert not answers
            go_on.set()
        assert answers == [b"at last"]


def test_updates_come_on_after_a_receiver_that_raises(capfd):
    with Server() as server, Client(server.port()) as client:
        subscribed(server, client)
        for update in (b"raise", b"raise", b"last"):
            server._publish(update)
        assert wait_until(lambda: client.updates[-1] == b"last")
    assert Printed(capfd, "err").has("a broken receiver", "Traceback")


# --- bad requests and bad answers -----------------------------------------------------------------

BAD_ANSWERS = {
    b"none": None,
    b"text": "a text",
    b"raises": ValueError("broken handler"),
    b"nothing": b"",
    b"strided": memoryview(bytes(8))[::2],
}


def test_a_server_that_has_no_answer_sends_an_empty_one_and_serves_on(capfd):
    with Server(answers=BAD_ANSWERS) as server, Client(server.port()) as client:
        for request in BAD_ANSWERS:
            with pytest.raises(rogue.GeneralError, match="answer is empty"):
                client._send(request)
            assert client._send(b"good") == b"r:good"
    assert Printed(capfd, "err").has("broken handler", "Failed to extract object data", "Traceback")


def test_a_text_without_an_answer_is_empty(capfd):
    asked = '{"attr": "getDisp","path": "%s"}'
    answers = {asked % "none": None, asked % "raises": ValueError("broken"), asked % "empty": ""}
    answers[asked % "bytes"] = b"bytes"
    with Server(answers=answers) as server, Client(server.port(), True) as client:
        for path in ("none", "raises", "empty"):
            assert client.getDisp(path) == ""
        assert client.getDisp("bytes") == "bytes"


def test_an_error_of_a_write_is_logged(capfd):
    answers = {'{"attr": "setDisp","path": "a","args": ["1"]}': "EXCEPTION: no such variable"}
    with Server(answers=answers) as server, Client(server.port(), True) as client:
        client.setDisp("a", "1")
    assert Printed(capfd, "out").has("pyrogue.ZmqClient", "EXCEPTION: no such variable")


@pytest.mark.parametrize("kind", ["REQ", "DEALER"])
def test_every_request_of_a_stranger_is_answered(kind, capfd):
    with Server() as server, zmq.Context() as context, context.socket(zmq.REQ) as plain:
        plain.linger = 0
        plain.rcvtimeo = LONG_MS
        for offset, prefix in ((1, b"r:"), (2, b"s:")):
            with context.socket(getattr(zmq, kind)) as peer:
                peer.linger = 0
                peer.rcvtimeo = LONG_MS
                peer.connect("tcp://%s:%d" % (HOST, server.port() + offset))
                envelope = [b"id", b"more", b""] if kind == "DEALER" else []
                for parts, answer in (
                    ([b""], prefix),
                    ([b"one", b"two"], b""),
                    ([b"\xff\xfe"], prefix + b"\xff\xfe" if offset == 1 else b""),
                    ([b"plain"], prefix + b"plain"),
                ):
                    peer.send_multipart(envelope + parts)
                    assert peer.recv_multipart() == [*envelope, answer]
    assert b"one" not in server.requests


# --- time -----------------------------------------------------------------------------------------


def test_a_request_without_an_answer_fails_each_time_and_a_late_answer_is_dropped():
    go_on = threading.Event()
    answers = {b"slow": lambda: go_on.wait(HANG_S) and b"late"}
    with Server(answers=answers) as server, Client(server.port()) as client:
        client.setTimeout(SHORT_MS, SHORT_MS)
        for _ in range(3):
            with pytest.raises(rogue.GeneralError, match="Timeout waiting for response after 0 Se"):
                client._send(b"slow")
        client.setTimeout(1000, LONG_MS)
        go_on.set()
        assert client._send(b"next") == b"r:next"
        # Not withdrawn.
        assert wait_until(lambda: server.requests.count(b"slow") >= 1)


def test_the_time_of_a_request_is_a_multiple_of_the_time_of_a_warning():
    with Client(free_ports(), timeouts=(600, 601)) as client:
        with pytest.raises(rogue.GeneralError, match="after 1 Seconds, server may be busy!"):
            client._send(b"x")


def test_timeouts_are_whole_milliseconds():
    with Client(free_ports()) as client:
        for pair in ((True, 0), (10, False), (1.5, 0), ("1", 0)):
            with pytest.raises(TypeError, match="arguments must be int milliseconds"):
                client.setTimeout(*pair)
        for pair in ((-1, 0), (1, -1), (1 << 32, 0)):
            with pytest.raises(OverflowError):
                client.setTimeout(*pair)
        with pytest.raises(rogue.GeneralError, match="warnTime must be greater than 0"):
            client.setTimeout(0, 100)
        client.setTimeout(warnTime=10)


# --- begin and end --------------------------------------------------------------------------------


@pytest.mark.parametrize("is_text", [False, True])
def test_a_stop_ends_a_request_that_waits_for_ever(is_text):
    with Client(free_ports(), is_text, (1000, 0)) as client:

        def ask():
            with pytest.raises(rogue.GeneralError, match=r"Timeout|stopped"):
                client.getDisp("a") if is_text else client._send(b"a")

        with thread(ask):
            client._stop()
        client._stop()
        with pytest.raises(rogue.GeneralError, match="stopped"):
            client.getDisp("a") if is_text else client._send(b"a")
        with pytest.raises(rogue.GeneralError, match="stopped"):
            client.setTimeout(1, 1)


def test_a_server_starts_and_stops_at_any_time():
    server = Server(free_ports())
    server._publish(b"nobody")
    server._stop()
    for _ in range(3):
        server._start()
        server._start()
        with Client(server.port()) as client:
            assert client._send(b"x") == b"r:x"
        server._stop()
        server._stop()
        server._publish(b"nobody")
    port = server.port()
    with (
        Server(port),
        pytest.raises(rogue.GeneralError, match="Failed to bind server to port %d" % port),
    ):
        server._start()
    with zmq.Context() as context, context.socket(zmq.REP) as taken:
        taken.bind("tcp://127.0.0.1:%d" % (port + 2))
        words = "to port %d .*Port %d was asked for" % (port + 2, port)
        with pytest.raises(rogue.GeneralError, match=words):
            server._start()
    server._start()
    server._stop()
    assert server.port() == port


def test_a_client_connects_again_to_a_server_that_comes_back():
    server = Server(free_ports())
    with Client(server.port()) as client:
        for _ in range(2):
            with server:
                subscribed(server, client)
                client.updates.clear()
                assert client._send(b"x") == b"r:x"


def test_an_answer_that_is_being_made_is_sent_before_the_end():
    begun, go_on = threading.Event(), threading.Event()
    answers = {b"slow": lambda: begun.set() or (go_on.wait(HANG_S) and b"done")}
    with Server(answers=answers) as server, Client(server.port()) as client:

        def stop():
            assert begun.wait(HANG_S)
            with thread(server._stop):
                go_on.set()

        with thread(stop):
            assert client._send(b"slow") == b"done"


def test_callbacks_may_stop_their_own_object():
    server = Server()
    server.answers = {b"stop": lambda: server._stop() or b"stopped"}
    server._start()

    class Stopping(Client):
        def _doUpdate(self, data):
            super()._doUpdate(data)
            self._stop()

    with Client(server.port()) as client, Stopping(server.port()) as stopping:
        subscribed(server, stopping)
        with pytest.raises(rogue.GeneralError, match="stopped"):
            stopping._send(b"x")
        assert client._send(b"stop") == b"stopped"
    server._stop()


def test_an_object_that_nobody_has_is_closed():
    import gc

    port = free_ports()
    server, client = Server(port), Client(port)
    server._start()
    assert client._send(b"x") == b"r:x"
    del server, client

    def closed():
        gc.collect()
        try:
            with Server(port):
                return True
        except rogue.GeneralError:
            return False

    assert wait_until(closed)


@pytest.mark.parametrize(
    "addr, words",
    [("nowhere0", "The address must be"), ("", "The address must be"), ("256.0.0.1", "address")],
)
def test_an_address_that_is_none_of_this_machine_is_an_error(addr, words):
    for port in (0, free_ports()):
        with pytest.raises(
            rogue.GeneralError, match="ZmqServer::ZmqServer: .*Failed to .*" + words
        ):
            Server(port, addr)._start()


def test_arguments_are_checked():
    for port in (-1, 0x10000):
        with pytest.raises(OverflowError):
            ri.ZmqServer(HOST, port)
        with pytest.raises(OverflowError):
            ri.ZmqClient(HOST, port, False)
    with pytest.raises(TypeError):
        ri.ZmqServer(HOST, "1")
    with pytest.raises(rogue.GeneralError, match=r"Failed to connect to port 2 at address \*"):
        ri.ZmqClient("*", 1, False)
    with Server() as server, Client(server.port()) as client, Client(server.port(), True) as text:
        with pytest.raises(rogue.GeneralError, match="Failed to extract object data"):
            server._publish("text")
        with pytest.raises(rogue.GeneralError, match="Failed to extract object data"):
            client._send("text")
        with pytest.raises(rogue.GeneralError, match="Invalid send call in string mode"):
            text._send(b"x")
        with pytest.raises(rogue.GeneralError, match="Invalid send call in standard mode"):
            client.getDisp("x")


def test_objects_whose_constructor_has_not_run_may_be_stopped_and_dropped():
    class Own(ri.ZmqClient):
        def __new__(cls, *arguments):
            return super().__new__(cls, *arguments)

        def __init__(self, *arguments):
            pass

    client = Own(HOST, 1)
    client._stop()
    with pytest.raises(rogue.GeneralError, match="never connected"):
        client._send(b"x")
    server = ri.ZmqServer.__new__(ri.ZmqServer)
    server._stop()
    server._publish(b"x")
    assert server.port() == 0


WITHOUT_PYZMQ = """
    import sys
    sys.modules["zmq"] = None
    import rogue, rogue.interfaces as ri
    for make in (lambda: ri.ZmqServer("*", 0), lambda: ri.ZmqClient("localhost", 1, False)):
        try:
            make()
        except rogue.GeneralError as error:
            print(error)
    """


def test_without_pyzmq_the_constructor_says_what_to_install():
    status, out, error = run(WITHOUT_PYZMQ)
    lines = out.splitlines()
    assert (status, error, len(lines)) == (0, "", 2)
    assert all("pip install 'rogue-mem-py[remote]'" in line for line in lines), out


LEFT_RUNNING = """
    import sys, threading, rogue.interfaces as ri
    class Server(ri.ZmqServer):
        def _doRequest(self, data):
            return data
    server = Server("127.0.0.1", int(sys.argv[1]))
    server._start()
    client = ri.ZmqClient("127.0.0.1", server.port(), False)
    print(client._send(b"x").decode())
    """


def test_the_end_of_the_program_ends_what_is_left_running():
    status, out, error = run(LEFT_RUNNING, free_ports())
    assert (status, out, error) == (0, "x\n", "")


FORKED = (
    LEFT_RUNNING
    + """
    import os, rogue, warnings
    # Of newer Pythons about forks with threads.
    warnings.simplefilter("ignore")
    child = os.fork()
    if child == 0:
        for use in (lambda: client._send(b"x"), lambda: server._publish(b"x"), server._start):
            try:
                use()
            except rogue.GeneralError as error:
                assert "made before os.fork" in str(error), error
            else:
                sys.exit(1)
        client._stop()
        server._stop()
        sys.exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    print(client._send(b"y").decode())
    """
)


def test_a_forked_child_leaves_its_parents_ends_alone():
    status, out, error = run(FORKED, free_ports())
    assert (status, out.split(), error) == (0, ["x", "y"], "")


# --- bytes ----------------------------------------------------------------------------------------


def recorded():
    """Connections of Rogue's ends: name to its chunks."""
    lines = (TOP / "tests" / "vectors" / "zmq_remote.jsonl").read_text().splitlines()
    return {line["connection"]: line for line in map(json.loads, lines)}


def received(peer, count):
    data = b""
    while len(data) < count:
        part = peer.recv(count - len(data))
        assert part, "closed after %d of %d bytes" % (len(data), count)
        data += part
    return data


class Replayed(Server):
    """Answers as the recorded server did."""

    def _doString(self, data):
        return "s:" + data


@pytest.mark.parametrize("name", ["req_rep", "req_rep_string", "pub_sub"])
def test_the_server_sends_what_was_recorded(name):
    connection = recorded()[name]
    with Replayed(free_ports()) as server:
        place = (HOST, server.port() + connection["port_offset"])
        with socket.create_connection(place, HANG_S) as peer:
            chunks = connection["chunks"]
            # The greeting's first part is sent at once, by both.
            for chunk in chunks[:-1] if name == "pub_sub" else chunks:
                data = bytes.fromhex(chunk["hex"])
                if chunk["from"] == "client":
                    peer.sendall(data)
                else:
                    assert received(peer, len(data)) == data
            if name == "pub_sub":
                # Until the subscription has been read nothing is sent.
                expected = bytes.fromhex(chunks[-1]["hex"])
                peer.settimeout(0.05)
                data = b""
                while not data:
                    server._publish(b"update-1")
                    try:
                        data = peer.recv(1)
                    except socket.timeout:
                        continue
                peer.settimeout(HANG_S)
                assert data + received(peer, 9) == expected[:10]
                server._publish(b"u" * 300)
                while (data := received(peer, 2)) == expected[:2]:
                    assert received(peer, 8) == expected[2:10]
                assert data + received(peer, len(expected) - 12) == expected[10:]


@pytest.mark.parametrize("name", ["req_rep", "req_rep_string", "pub_sub"])
def test_the_client_sends_what_was_recorded(name):
    connection = recorded()[name]
    port = free_ports()
    with socket.create_server((HOST, port + connection["port_offset"])) as listening:
        listening.settimeout(HANG_S)
        is_text = name == "req_rep_string"
        answers = []

        def ask(client):
            if name == "req_rep":
                answers.extend([client._send(b"hello"), client._send(b"again")])
            elif is_text:
                answers.append(client.getDisp("root.A"))
                client.setDisp("root.A", "7")

        with Client(port, is_text) as client, thread(ask, client):
            peer, _ = listening.accept()
            with peer:
                peer.settimeout(HANG_S)
                replay(peer, connection["chunks"])
                if name == "pub_sub":
                    assert wait_until(lambda: len(client.updates) == 2)
                    assert client.updates == [b"update-1", b"u" * 300]
    if name == "req_rep":
        assert answers == [b"r:hello", b"r:again"]
    if is_text:
        assert answers == ['s:{"attr": "getDisp","path": "root.A"}']


def replay(peer, chunks):
    """Plays the recorded server. The numbers of requests are the client's own."""
    number = b""
    for chunk in chunks:
        data = bytes.fromhex(chunk["hex"])
        # A frame of four octets with more to come, at the end of the handshake or the begin.
        at = data.find(b"\x01\x04") + 2 if b"\x01\x00" in data and len(data) < 120 else 0
        if chunk["from"] == "server":
            peer.sendall(data[:at] + number + data[at + 4 :] if at and number else data)
            continue
        came = received(peer, len(data))
        if at > 1:
            former, number = number, came[at : at + 4]
            if former:
                step = int.from_bytes(number, sys.byteorder) - int.from_bytes(former, sys.byteorder)
                assert step % (1 << 32) == 1
            came = came[:at] + data[at : at + 4] + came[at + 4 :]
        assert came == data
