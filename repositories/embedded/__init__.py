"""A mongod of Kehu's own, for machines where no MongoDB runs."""

from repositories.embedded.binary import find_mongod
from repositories.embedded.errors import (
    DirectoryInUse,
    EmbeddedError,
    MongodFailed,
    MongodMissing,
    MongodUnloadable,
)
from repositories.embedded.server import EmbeddedMongod, embedded_mongod, running_uri

__all__ = [
    "DirectoryInUse",
    "EmbeddedError",
    "EmbeddedMongod",
    "MongodFailed",
    "MongodMissing",
    "MongodUnloadable",
    "embedded_mongod",
    "find_mongod",
    "running_uri",
]
