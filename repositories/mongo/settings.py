"""How the database is reached, and the safe settings that hold unless the URI says otherwise."""

from dataclasses import dataclass
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, urlsplit

Driver = Literal["pymongo", "motor", "memory"]


@dataclass(frozen=True, slots=True)
class MongoSettings:
    """Where the data is and how long to wait for it; with the memory driver the URI is not used."""

    uri: str = ""
    driver: Driver = "pymongo"
    database: str = "kehu"
    timeout_seconds: float = 3.0
    server_selection_timeout_seconds: float = 2.0
    connect_timeout_seconds: float = 1.0
    wait_queue_timeout_seconds: float = 0.5
    heartbeat_seconds: float = 2.0
    max_pool_size: int = 50
    app_name: str = "kehu"

    def __post_init__(self) -> None:
        if self.driver not in get_args(Driver):
            raise ValueError(f'The driver "{self.driver}" is unknown. Give one of {", ".join(get_args(Driver))}.')
        if self.driver != "memory" and not self.uri.startswith(("mongodb://", "mongodb+srv://")):
            raise ValueError(
                "The MongoDB URI must start with mongodb:// or mongodb+srv://. "
                "Set KEHU_MONGODB_URI to such an address, or leave it empty for the embedded mongod."
            )


def client_options(settings: MongoSettings) -> dict[str, Any]:
    """Keyword options of a client: the safe settings but those that the URI sets itself.

    Source: measured in the design's fault runs; the driver's own defaults hang for up to 54 s on a frozen server,
    and w=1 lost acknowledged writes.
    """
    safe: dict[str, Any] = {
        "w": "majority",
        "journal": True,
        "readConcernLevel": "majority",
        "retryWrites": True,
        "retryReads": True,
        "timeoutMS": round(settings.timeout_seconds * 1000),
        "serverSelectionTimeoutMS": round(settings.server_selection_timeout_seconds * 1000),
        "connectTimeoutMS": round(settings.connect_timeout_seconds * 1000),
        "waitQueueTimeoutMS": round(settings.wait_queue_timeout_seconds * 1000),
        "heartbeatFrequencyMS": round(settings.heartbeat_seconds * 1000),
        "maxPoolSize": settings.max_pool_size,
        "appname": settings.app_name,
    }
    given = {name.lower() for name, _ in parse_qsl(urlsplit(settings.uri).query, keep_blank_values=True)}
    return {name: value for name, value in safe.items() if name.lower() not in given} | {"tz_aware": True}


def watching_options(settings: MongoSettings) -> dict[str, Any]:
    """Keyword options of the client that only watches.

    A waiting change stream is not late, so nothing limits the whole operation (0 wins over a timeoutMS of the URI);
    a socket that is silent for 30 s, far over the second a stream waits, is dead and makes the driver resume.
    """
    return client_options(settings) | {"timeoutMS": 0, "socketTimeoutMS": 30_000, "maxPoolSize": 5}


def hosts_of(uri: str) -> str:
    """The hosts of a URI, without user, password and options."""
    return urlsplit(uri).netloc.rpartition("@")[2]
