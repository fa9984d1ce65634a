"""The door to the memory driver, whose packages an image does not have: they load only where it is chosen."""

from collections.abc import Sequence

from repositories.errors import NotSupported
from repositories.mongo.settings import MongoSettings
from repositories.mongo.store import Store
from repositories.mongo.trace import CommandTrace


def open_memory_store(settings: MongoSettings, traces: Sequence[CommandTrace]) -> Store:
    """A store in the memory of this process.

    Raises: NotSupported where the packages are missing.
    """
    try:
        from repositories.mongo.memory_store import MemoryStore  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise NotSupported(
            f"KEHU_MONGODB_DRIVER=memory needs the package {missing.name}, which is not installed. "
            'Install "kehu[memory]", or give a database by KEHU_MONGODB_URI.'
        ) from missing
    return MemoryStore(settings, traces)
