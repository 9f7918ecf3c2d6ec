"""Every name that Rogue's Python module has, as far as it is in scope, with its signature."""

import importlib
import inspect
import pickle

import pytest
import rogue
import rogue.interfaces.memory as rim
import rogue.interfaces.stream as ris
import rogue.protocols.srp as rps
from rogue._impl.absent import Absent

#: Of clients and servers of RSSI.
RSSI_METHODS = {
    "__init__": "self segSize more",
    "transport": "self",
    "application": "self",
    "_start": "self",
    "_stop": "self",
    "waitOpen": "self timeout",
    "getOpen": "self",
    "getDownCount": "self",
    "getDropCount": "self",
    "getRetranCount": "self",
    "getLocBusy": "self",
    "getLocBusyCnt": "self",
    "getRemBusy": "self",
    "getRemBusyCnt": "self",
    "resetCounters": "self",
    "setTimeout": "self timeout",
    "setLocTryPeriod": "self val",
    "getLocTryPeriod": "self",
    "setLocMaxBuffers": "self val",
    "getLocMaxBuffers": "self",
    "setLocMaxSegment": "self val",
    "getLocMaxSegment": "self",
    "setLocCumAckTout": "self val",
    "getLocCumAckTout": "self",
    "setLocRetranTout": "self val",
    "getLocRetranTout": "self",
    "setLocNullTout": "self val",
    "getLocNullTout": "self",
    "setLocMaxRetran": "self val",
    "getLocMaxRetran": "self",
    "setLocMaxCumAck": "self val",
    "getLocMaxCumAck": "self",
    "curMaxBuffers": "self",
    "curMaxSegment": "self",
    "curCumAckTout": "self",
    "curRetranTout": "self",
    "curNullTout": "self",
    "curMaxRetran": "self",
    "curMaxCumAck": "self",
}

#: Class: (bases, {method: names of its parameters}).
CLASSES = {
    "rogue.Logging": (
        "",
        {
            "setLevel": "level",
            "setFilter": "filter level",
            "normalizeName": "name",
            "setForwardPython": "enable",
            "forwardPython": "",
            "setEmitStdout": "enable",
            "emitStdout": "",
            "name": "self",
        },
    ),
    "rogue.Version": (
        "",
        {
            "current": "",
            "pythonVersion": "",
            "major": "",
            "minor": "",
            "maint": "",
            "devel": "",
            "greaterThanEqual": "compare",
            "greaterThan": "compare",
            "lessThanEqual": "compare",
            "lessThan": "compare",
            "minVersion": "compare",
            "maxVersion": "compare",
            "exactVersion": "compare",
            "sleep": "seconds",
            "usleep": "microseconds",
        },
    ),
    "rogue.interfaces.memory.Master": (
        "",
        {
            "__init__": "self",
            "_setSlave": "self slave",
            "_getSlave": "self",
            "_reqSlaveId": "self",
            "_reqSlaveName": "self",
            "_reqMinAccess": "self",
            "_reqMaxAccess": "self",
            "_reqAddress": "self",
            "_getError": "self",
            "_clearError": "self",
            "_setTimeout": "self timeout",
            "_reqTransaction": "self address buffer size offset type",
            "_waitTransaction": "self id",
            "_copyBits": "dst dstLsb src srcLsb size",
            "_setBits": "dst lsb size",
            "_anyBits": "src lsb size",
            "_stop": "self",
            "__rshift__": "self other",
        },
    ),
    "rogue.interfaces.memory.Slave": (
        "",
        {
            "__init__": "self min max",
            "setName": "self name",
            "_addTransaction": "self tran",
            "_getTransaction": "self id",
            "_doMinAccess": "self",
            "_doMaxAccess": "self",
            "_doAddress": "self",
            "_doTransaction": "self tran",
            "_stop": "self",
            "__lshift__": "self other",
        },
    ),
    "rogue.interfaces.memory.Hub": (
        "rogue.interfaces.memory.Master rogue.interfaces.memory.Slave",
        {
            "__init__": "self offset min max",
            "_blkMinAccess": "self",
            "_blkMaxAccess": "self",
            "_getAddress": "self",
            "_getOffset": "self",
            "_doTransaction": "self tran",
        },
    ),
    "rogue.interfaces.memory.Emulate": (
        "rogue.interfaces.memory.Slave",
        {"__init__": "self min max memory_bytes_max"},
    ),
    "rogue.interfaces.memory.Block": (
        "rogue.interfaces.memory.Master",
        {
            "__init__": "self offset size",
            "setEnable": "self enable",
            "addVariables": "self variables",
            "_startTransaction": "self type forceWr check variable index",
            "_checkTransaction": "self",
            "_rateTest": "self",
        },
    ),
    "rogue.interfaces.memory.BulkError": ("rogue.GeneralError", {}),
    "rogue.interfaces.memory.Variable": (
        "",
        {
            "__init__": "self name mode minimum maximum offset bitOffset bitSize overlapEn verify "
            "bulkOpEn updateNotify model listData retryCount",
            "_varBytes": "self",
            "_offset": "self",
            "_shiftOffsetDown": "self shift minSize",
            "_updatePath": "self path",
            "_overlapEn": "self",
            "_verifyEn": "self",
            "_bitOffset": "self",
            "_bitSize": "self",
            "_get": "self index",
            "_set": "self value index",
            "_rateTest": "self",
            "_queueUpdate": "self",
            "_setLogLevel": "self level",
            "_getDumpValue": "self read",
            "_numValues": "self",
            "_valueBits": "self",
            "_valueStride": "self",
            "_retryCount": "self",
        },
    ),
    "rogue.interfaces.memory.Transaction": (
        "",
        {
            "lock": "self",
            "id": "self",
            "address": "self",
            "size": "self",
            "type": "self",
            "done": "self",
            "error": "self text",
            "expired": "self",
            "setData": "self buffer offset",
            "getData": "self buffer offset",
        },
    ),
    "rogue.interfaces.memory.TransactionLock": (
        "",
        {"lock": "self", "unlock": "self", "__enter__": "self", "__exit__": "self _exception"},
    ),
    "rogue.interfaces.memory.TcpServer": (
        "rogue.interfaces.memory.Master",
        {
            "__init__": "self addr port window legacy spin_us more",
            "close": "self",
            "drain": "self timeout",
            "_start": "self",
            "_stop": "self",
        },
    ),
    "rogue.interfaces.memory.TcpClient": (
        "rogue.interfaces.memory.Slave",
        {
            "__init__": "self addr port waitReady window spin_us more",
            "close": "self",
            "waitReady": "self timeout period",
            "_start": "self",
            "_stop": "self",
        },
    ),
    "rogue.interfaces.stream.Master": (
        "",
        {
            "__init__": "self",
            "_addSlave": "self slave",
            "_slaveCount": "self",
            "_reqFrame": "self size zeroCopy",
            "_sendFrame": "self frame",
            "_stop": "self",
            "__rshift__": "self other",
            "__eq__": "self other",
        },
    ),
    "rogue.interfaces.stream.Slave": (
        "rogue.interfaces.stream.Pool",
        {
            "__init__": "self",
            "_acceptFrame": "self frame",
            "getFrameCount": "self",
            "getByteCount": "self",
            "setDebug": "self debug name",
            "_stop": "self",
            "getAllocCount": "self",
            "getAllocBytes": "self",
            "setFixedSize": "self size",
            "getFixedSize": "self",
            "setPoolSize": "self size",
            "getPoolSize": "self",
            "__lshift__": "self other",
        },
    ),
    "rogue.interfaces.stream.Pool": (
        "",
        {
            "getAllocCount": "self",
            "getAllocBytes": "self",
            "setFixedSize": "self size",
            "getFixedSize": "self",
            "setPoolSize": "self size",
            "getPoolSize": "self",
        },
    ),
    "rogue.interfaces.stream.Frame": (
        "",
        {
            "lock": "self",
            "getSize": "self",
            "getAvailable": "self",
            "getPayload": "self",
            "write": "self buffer offset",
            "read": "self buffer offset",
            "getBa": "self offset count",
            "getMemoryview": "self",
            "getNumpy": "self offset count",
            "putNumpy": "self array offset",
            "setError": "self error",
            "getError": "self",
            "setFlags": "self flags",
            "getFlags": "self",
            "setFirstUser": "self fuser",
            "getFirstUser": "self",
            "setLastUser": "self luser",
            "getLastUser": "self",
            "setChannel": "self channel",
            "getChannel": "self",
            "_debug": "self",
        },
    ),
    "rogue.interfaces.stream.FrameLock": ("", {"lock": "self", "unlock": "self"}),
    "rogue.interfaces.stream.Fifo": (
        "rogue.interfaces.stream.Master rogue.interfaces.stream.Slave",
        {
            "__init__": "self maxDepth trimSize noCopy",
            "size": "self",
            "dropCnt": "self",
            "clearCnt": "self",
            "_stop": "self",
        },
    ),
    "rogue.interfaces.stream.Filter": (
        "rogue.interfaces.stream.Master rogue.interfaces.stream.Slave",
        {"__init__": "self dropErrors channel"},
    ),
    "rogue.interfaces.stream.RateDrop": (
        "rogue.interfaces.stream.Master rogue.interfaces.stream.Slave",
        {"__init__": "self period value"},
    ),
    "rogue.interfaces.stream.TcpCore": (
        "rogue.interfaces.stream.Master rogue.interfaces.stream.Slave",
        {"__init__": "self", "close": "self", "_stop": "self"},
    ),
    "rogue.interfaces.stream.TcpClient": (
        "rogue.interfaces.stream.TcpCore",
        {"__init__": "self addr port spin_us more"},
    ),
    "rogue.interfaces.stream.TcpServer": (
        "rogue.interfaces.stream.TcpCore",
        {"__init__": "self addr port legacy spin_us more"},
    ),
    "rogue.protocols.srp.SrpV3": (
        (
            "rogue.interfaces.stream.Master rogue.interfaces.stream.Slave "
            "rogue.interfaces.memory.Slave"
        ),
        {"__init__": "self", "_setHardwareTimeout": "self val"},
    ),
    "rogue.protocols.srp.SrpV0": (
        (
            "rogue.interfaces.stream.Master rogue.interfaces.stream.Slave "
            "rogue.interfaces.memory.Slave"
        ),
        {"__init__": "self"},
    ),
    "rogue.protocols.srp.Cmd": (
        "rogue.interfaces.stream.Master",
        {"sendCmd": "self opCode context"},
    ),
    "rogue.protocols.packetizer.Transport": (
        "rogue.interfaces.stream.Master rogue.interfaces.stream.Slave",
        {},
    ),
    "rogue.protocols.packetizer.Application": (
        "rogue.interfaces.stream.Master rogue.interfaces.stream.Slave",
        {},
    ),
    "rogue.protocols.packetizer.Core": (
        "",
        {
            "__init__": "self enSsi",
            "transport": "self",
            "application": "self dest",
            "getDropCount": "self",
            "setTimeout": "self timeout",
        },
    ),
    "rogue.protocols.packetizer.CoreV2": (
        "rogue.protocols.packetizer.Core",
        {"__init__": "self enIbCrc enObCrc enSsi"},
    ),
    "rogue.utilities.Prbs": (
        "rogue.interfaces.stream.Master rogue.interfaces.stream.Slave",
        {
            "__init__": "self",
            "setWidth": "self width",
            "setTaps": "self taps",
            "sendCount": "self state",
            "genPayload": "self state",
            "checkPayload": "self state",
            "setRxEnable": "self state",
            "getRxEnable": "self",
            "setTxPeriod": "self period",
            "getTxPeriod": "self",
            "genFrame": "self size",
            "enable": "self size",
            "disable": "self",
            "resetCount": "self",
            "getTxCount": "self",
            "getTxErrors": "self",
            "getTxBytes": "self",
            "getTxRate": "self",
            "getTxBw": "self",
            "getRxCount": "self",
            "getRxErrors": "self",
            "getRxBytes": "self",
            "getRxRate": "self",
            "getRxBw": "self",
        },
    ),
    "rogue.protocols.batcher.CombinerV1": (
        "rogue._impl.batcher._Combiner",
        {"__init__": "self width", "sendBatch": "self", "getCount": "self"},
    ),
    "rogue.protocols.batcher.CombinerV2": (
        "rogue._impl.batcher._Combiner",
        {"__init__": "self", "sendBatch": "self", "getCount": "self"},
    ),
    "rogue.protocols.batcher.SplitterV1": ("rogue._impl.batcher._Node", {"__init__": "self"}),
    "rogue.protocols.batcher.SplitterV2": ("rogue._impl.batcher._Node", {"__init__": "self"}),
    "rogue.protocols.batcher.InverterV1": ("rogue._impl.batcher._Node", {"__init__": "self"}),
    "rogue.protocols.batcher.InverterV2": ("rogue._impl.batcher._Node", {"__init__": "self"}),
    "rogue.utilities.StreamZip": ("rogue._impl.compress._Converter", {"__init__": "self"}),
    "rogue.utilities.StreamUnZip": ("rogue._impl.compress._Converter", {"__init__": "self"}),
    "rogue.utilities.fileio.StreamReader": (
        "rogue.interfaces.stream.Master",
        {
            "__init__": "self more",
            "open": "self file",
            "close": "self",
            "isOpen": "self",
            "isActive": "self",
            "closeWait": "self",
            "getError": "self",
            "getStats": "self",
        },
    ),
    "rogue.utilities.fileio.StreamWriter": (
        "",
        {
            "__init__": "self",
            "open": "self file",
            "close": "self",
            "isOpen": "self",
            "getError": "self",
            "setRaw": "self raw",
            "getRaw": "self",
            "setBufferSize": "self size",
            "setMaxSize": "self size",
            "setDropErrors": "self drop",
            "getChannel": "self channel",
            "getTotalSize": "self",
            "getCurrentSize": "self",
            "getBandwidth": "self",
            "getFrameCount": "self",
            "waitFrameCount": "self count timeout",
            "getStats": "self",
        },
    ),
    "rogue.utilities.fileio.StreamWriterChannel": (
        "rogue.interfaces.stream.Slave",
        {
            "getFrameCount": "self",
            "setFrameCount": "self count",
            "waitFrameCount": "self count timeout",
        },
    ),
    "rogue.protocols.srp.SrpV3Emulation": (
        "rogue.interfaces.stream.Master rogue.interfaces.stream.Slave",
        {"__init__": "self chosen"},
    ),
    "rogue.protocols.rssi.Transport": (
        "rogue.interfaces.stream.Master rogue.interfaces.stream.Slave",
        {},
    ),
    "rogue.protocols.rssi.Application": (
        "rogue.interfaces.stream.Master rogue.interfaces.stream.Slave",
        {},
    ),
    "rogue.protocols.rssi.Client": ("rogue._impl.rssi.Endpoint", RSSI_METHODS),
    "rogue.protocols.rssi.Server": ("rogue._impl.rssi.Endpoint", RSSI_METHODS),
    "rogue.protocols.udp.Core": (
        "",
        {"maxPayload": "self", "setRxBufferCount": "self count", "setTimeout": "self timeout"},
    ),
    "rogue.protocols.udp.Client": (
        ("rogue.protocols.udp.Core rogue.interfaces.stream.Master rogue.interfaces.stream.Slave"),
        {"__init__": "self host port jumbo more"},
    ),
    "rogue.protocols.udp.Server": (
        ("rogue.protocols.udp.Core rogue.interfaces.stream.Master rogue.interfaces.stream.Slave"),
        {"__init__": "self port jumbo addr more", "getPort": "self"},
    ),
    "rogue.interfaces.ZmqServer": (
        "",
        {
            "__init__": "self addr port",
            "_start": "self",
            "_stop": "self",
            "port": "self",
            "_publish": "self data",
            "_doRequest": "self data",
            "_doString": "self data",
        },
    ),
    "rogue.interfaces.ZmqClient": (
        "",
        {
            "__init__": "self addr port doString",
            "_send": "self data",
            "_doUpdate": "self data",
            "setTimeout": "self warnTime failTime",
            "getDisp": "self path",
            "setDisp": "self path value",
            "exec": "self path arg",
            "valueDisp": "self path",
            "_stop": "self",
        },
    ),
    "rogue.hardware.MemMap": (
        "rogue.interfaces.memory.Slave",
        {"__init__": "self base size path access_bytes"},
    ),
    "rogue.security.AccessList": ("", {"__init__": "self rules", "setRules": "self rules"}),
    "rogue.security.Audit": (
        "",
        {"__init__": "self sink lost more", "flush": "self timeout", "getStats": "self"},
    ),
    "rogue.security.AuditRecord": ("", {}),
    "rogue.security.CurveKeys": ("", {"__init__": "self path", "save": "self path"}),
    "rogue.security.CurveServer": (
        "",
        {"__init__": "self keys clients", "setKeys": "self keys", "setClients": "self clients"},
    ),
    "rogue.security.CurveClient": ("", {"__init__": "self server keys"}),
}

STREAM = "rogue.interfaces.stream.Master rogue.interfaces.stream.Slave"
MEMORY_SLAVE = "rogue.interfaces.memory.Slave"

#: Class that exists and cannot be instantiated: its bases.
ABSENT = {
    "rogue.protocols.xilinx.Xvc": STREAM,
    "rogue.protocols.xilinx.JtagDriver": "",
    "rogue.hardware.axi.AxiMemMap": MEMORY_SLAVE,
    "rogue.hardware.axi.AxiStreamDma": STREAM,
}

CONSTANTS = {
    "rogue.Logging": dict(Critical=50, Error=40, Thread=35, Warning=30, Info=20, Debug=10),
    "rogue.interfaces.memory": dict(
        Read=1,
        Write=2,
        Post=3,
        Verify=4,
        PyFunc=0,
        Bytes=1,
        UInt=2,
        Int=3,
        Bool=4,
        String=5,
        Float=6,
        Double=7,
        Fixed=8,
        UFixed=9,
        Float16=10,
        Float8=11,
        BFloat16=12,
        TensorFloat32=13,
        Float6=14,
        Float4=15,
        Custom=128,
    ),
}

METHODS = [(name, method) for name in CLASSES for method in CLASSES[name][1]]
MODULES = sorted({path.rpartition(".")[0] for path in [*CLASSES, *ABSENT]})


def found(path):
    """The object of a dotted name after only `import rogue`."""
    result = rogue
    for part in path.split(".")[1:]:
        result = getattr(result, part)
    return result


@pytest.mark.parametrize("path", CLASSES)
def test_a_class_says_where_it_is_found_and_what_it_derives_from(path):
    cls = found(path)
    assert isinstance(cls, type)
    assert "%s.%s" % (cls.__module__, cls.__qualname__) == path
    assert [base for base in cls.__bases__ if base is not object] == [
        found(base) for base in CLASSES[path][0].split()
    ]
    assert cls.__doc__


@pytest.mark.parametrize("path, method", METHODS)
def test_a_method_has_its_parameters_and_a_description(path, method):
    cls = found(path)
    function = inspect.getattr_static(cls, method, None)
    if function is None:
        function = getattr(cls, method)
    function = getattr(function, "__func__", function)
    assert list(inspect.signature(function).parameters) == CLASSES[path][1][method].split()
    assert method.startswith("__") or inspect.getdoc(getattr(cls, method))


@pytest.mark.parametrize("path", sorted(CONSTANTS))
def test_constants_have_their_values(path):
    place = found(path)
    assert {name: getattr(place, name) for name in CONSTANTS[path]} == CONSTANTS[path]


@pytest.mark.parametrize("path", MODULES)
def test_a_module_lists_all_that_it_has(path):
    module = found(path)
    public = {name for name in dir(module) if not name.startswith("_")}
    assert sorted(module.__all__) == sorted(public)
    classes = {
        "%s.%s" % (path, name) for name in public if isinstance(found(path + "." + name), type)
    }
    assert classes - {"rogue.GeneralError"} == {
        known for known in [*CLASSES, *ABSENT] if known.rpartition(".")[0] == path
    }


@pytest.mark.parametrize("path", ABSENT)
def test_what_the_library_does_not_have_derives_from_what_it_would(path):
    module, _, name = path.rpartition(".")
    cls = getattr(importlib.import_module(module), name)
    assert found(path) is cls and pickle.loads(pickle.dumps(cls)) is cls
    assert (cls.__module__, cls.__qualname__) == (module, name)
    assert [base for base in cls.__bases__ if base is not Absent] == [
        found(base) for base in ABSENT[path].split()
    ]
    assert "not in this build" in cls.__doc__ and "\n" not in cls.__doc__
    assert not hasattr(type, "__or__") or isinstance(None, cls | None)


@pytest.mark.parametrize("path", ABSENT)
def test_what_the_library_does_not_have_says_so_when_it_is_made(path):
    cls = found(path)
    for make in (cls, type("Derived", (cls,), {})):
        with pytest.raises(rogue.GeneralError) as raised:
            make("127.0.0.1", 9000, more=1)
        assert str(raised.value) == path + ": General Error: not available in this build"


def test_a_class_without_an_object_may_still_be_derived_from_and_bypassed():
    class Virtual(rogue.interfaces.ZmqClient):
        def __new__(cls, *arguments):
            return super().__new__(cls, *arguments)

        def __init__(self, *arguments):
            self.arguments = arguments

    assert Virtual("host", 9000).arguments == ("host", 9000)


def test_there_is_no_rocev2():
    with pytest.raises(ImportError):
        importlib.import_module("rogue.protocols.rocev2")


def test_levels_cannot_be_changed_but_methods_can():
    with pytest.raises(AttributeError):
        rogue.Logging.Error = 1
    original = rogue.Logging.__dict__["forwardPython"]
    rogue.Logging.forwardPython = staticmethod(lambda: "replaced")
    assert rogue.Logging.forwardPython() == "replaced"
    rogue.Logging.forwardPython = original
    with pytest.raises(RuntimeError):
        rogue.Logging("name")


def test_what_a_base_adds_to_the_names_of_programs_has_one_prefix():
    known = set(dir(object))
    for path in ("Master", "Slave", "Hub"):
        known |= set(CLASSES["rogue.interfaces.memory." + path][1])
    known |= {"__dict__", "__weakref__", "__module__", "__annotations__", "__orig_bases__"}
    hub = rim.Hub(0, 0, 0)
    extra = {name for name in dir(hub) if name not in known and not name.startswith("_rg_")}
    assert {name for name in extra if not name.startswith("__")} == set()


def test_bases_fit_together_in_any_order():
    for bases in (
        (ris.Slave, ris.Master),
        (ris.Master, ris.Slave),
        (rim.Hub, ris.Slave),
        (rim.Hub, ris.Master, ris.Slave),
        (rim.Slave, rim.Master),
        (ris.Slave, rim.Hub),
    ):
        cls = type("Both", bases, {"__init__": lambda self: None})
        cls()


@pytest.mark.parametrize(
    "thing", [rim.Master(), rim.Slave(4, 4), rim.Emulate(4, 4), ris.Slave(), rps.SrpV3()]
)
def test_native_objects_are_hashed_by_identity_and_not_pickled(thing):
    assert {thing: 1}[thing] == 1
    if isinstance(thing, (rim.Master, rim.Slave)):
        with pytest.raises(RuntimeError):
            pickle.dumps(thing)


def test_a_subclass_that_says_how_it_is_pickled_is_heard():
    class Node(rim.Hub):
        def __reduce__(self):
            return (str, ("a node",))

    assert pickle.loads(pickle.dumps(Node(0, 0, 0))) == "a node"
