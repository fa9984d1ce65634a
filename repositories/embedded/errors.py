"""Why there is no embedded mongod, and what to do instead."""

from pathlib import Path

from repositories.errors import RepositoryError

OTHER_WAYS = (
    "Or set KEHU_MONGODB_URI to a MongoDB that runs already, "
    "or KEHU_MONGODB_DRIVER=memory to try Kehu out without one (nothing is kept)."
)


class EmbeddedError(RepositoryError):
    """The embedded mongod cannot be had; the message says why and what to do."""

    code = "EMBEDDED_MONGOD"


class MongodMissing(EmbeddedError):
    """No mongod was found."""


class MongodUnloadable(EmbeddedError):
    """A mongod was found, and this machine cannot load it."""


class MongodFailed(EmbeddedError):
    """A mongod was started and ended, or did not get ready in time."""


class DirectoryInUse(EmbeddedError):
    """Another server holds the data directory."""

    def __init__(self, directory: Path, pid: int | None) -> None:
        holder = "another process" if pid is None else f"the process {pid}"
        super().__init__(
            f"The data directory {directory} is in use by {holder}. Stop that server first, give this one a directory "
            "of its own (--data or KEHU_DATA_DIR), or let both use one MongoDB by KEHU_MONGODB_URI."
        )
        self.pid = pid
