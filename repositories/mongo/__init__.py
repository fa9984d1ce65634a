"""MongoDB behind one small face: PyMongo Async, Motor or mongomock-motor."""

from collections.abc import Sequence

from pymongo.monitoring import CommandListener

from repositories.mongo.collection import Collection
from repositories.mongo.memory_door import open_memory_store
from repositories.mongo.results import BulkError, BulkResult, Document, IndexSpec
from repositories.mongo.server_store import MotorStore, PymongoStore
from repositories.mongo.settings import Driver, MongoSettings
from repositories.mongo.store import Store, Transaction
from repositories.mongo.trace import CommandTrace

__all__ = [
    "BulkError",
    "BulkResult",
    "Collection",
    "CommandTrace",
    "Document",
    "Driver",
    "IndexSpec",
    "MongoSettings",
    "Store",
    "Transaction",
    "connect",
]


def connect(settings: MongoSettings, listeners: Sequence[CommandListener] = ()) -> Store:
    """The store for these settings; nothing is asked of the database yet, so `ping` says whether it is there.

    Order: call it in the process and event loop that will use it; a store serves one loop.
    """
    match settings.driver:
        case "memory":
            return open_memory_store(settings, [each for each in listeners if isinstance(each, CommandTrace)])
        case "motor":
            return MotorStore(settings, listeners)
        case "pymongo":
            return PymongoStore(settings, listeners)
