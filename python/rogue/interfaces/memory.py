"""The register bus: masters create transactions, hubs pass them on, slaves carry them out; and the
TCP bridge that carries it between processes.

Beyond Rogue's names there are `readAll`, `writeAll`, `startAll`, `checkAll` and `getAll` for many
blocks, with their `BulkError`, `read`, `write`, `readMany`, `writeMany`, `reqTransactions`,
`cancel`, `forgottenCount`, and for asyncio `waitAsync`, `readAsync`, `writeAsync`,
`readManyAsync`, `writeManyAsync`.
"""

from .._impl.bulk import BulkError, checkAll, getAll, readAll, startAll, writeAll
from .._impl.hub import Emulate, Hub
from .._impl.master import Master
from .._impl.registers import Block, Variable
from .._impl.requests import (
    cancel,
    forgottenCount,
    read,
    readAsync,
    readMany,
    readManyAsync,
    reqTransactions,
    waitAsync,
    write,
    writeAsync,
    writeMany,
    writeManyAsync,
)
from .._impl.slave import Slave
from .._impl.tcp import TcpClient, TcpServer
from .._impl.transaction import Transaction, TransactionLock

#: Types of transactions.
Read = 1
Write = 2
Post = 3
Verify = 4

#: Models of variables.
PyFunc = 0
Bytes = 1
UInt = 2
Int = 3
Bool = 4
String = 5
Float = 6
Double = 7
Fixed = 8
UFixed = 9
Float16 = 10
Float8 = 11
BFloat16 = 12
TensorFloat32 = 13
Float6 = 14
Float4 = 15
Custom = 128

#: States of a TcpClient.
CLIENT_CONNECTING = 0
CLIENT_HANDSHAKE = 1
CLIENT_CONNECTED = 2
CLIENT_STOPPED = 3

__all__ = [
    "Block",
    "BulkError",
    "Emulate",
    "Hub",
    "Master",
    "Slave",
    "TcpClient",
    "TcpServer",
    "Transaction",
    "TransactionLock",
    "Variable",
    "cancel",
    "checkAll",
    "forgottenCount",
    "getAll",
    "read",
    "readAll",
    "readAsync",
    "readMany",
    "readManyAsync",
    "reqTransactions",
    "startAll",
    "waitAsync",
    "write",
    "writeAll",
    "writeAsync",
    "writeMany",
    "writeManyAsync",
    "Read",
    "Write",
    "Post",
    "Verify",
    "PyFunc",
    "Bytes",
    "UInt",
    "Int",
    "Bool",
    "String",
    "Float",
    "Double",
    "Fixed",
    "UFixed",
    "Float16",
    "Float8",
    "BFloat16",
    "TensorFloat32",
    "Float6",
    "Float4",
    "Custom",
    "CLIENT_CONNECTING",
    "CLIENT_HANDSHAKE",
    "CLIENT_CONNECTED",
    "CLIENT_STOPPED",
]
