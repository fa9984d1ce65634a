"""A replica set of one member: transactions and change streams need it."""

from collections.abc import Callable, Mapping
from typing import Any

import anyio
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure, PyMongoError

from repositories.embedded.directory import LOOPBACK
from repositories.embedded.errors import OTHER_WAYS, MongodFailed
from repositories.embedded.process import REPLICA_SET

# Kehu's commands use $getField and $setField, which came with MongoDB 5.0
_OLDEST_WIRE_VERSION = 13
_ALREADY_INITIALIZED = 23
_POLL_SECONDS = 0.05


async def make_primary(port: int, is_running: Callable[[], bool]) -> bool:
    """True when the mongod on this port takes writes, False if it ended instead.

    A set whose member moved here from another port is mended. Waits without end: the caller sets a deadline.
    Raises: MongodFailed if the server is older than 5.0.
    """
    if not await _listens(port, is_running):
        return False
    address = f"{LOOPBACK}:{port}"
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        address, directConnection=True, serverSelectionTimeoutMS=500, heartbeatFrequencyMS=500
    )
    try:
        is_configured = False
        while is_running():
            hello = await _hello(client)
            if hello.get("isWritablePrimary") and hello.get("hosts") == [address]:
                return True
            if hello and not is_configured:
                _check_version(hello)
                is_configured = await _configure(client, address)
            await anyio.sleep(_POLL_SECONDS)
        return False
    finally:
        await client.close()


async def _listens(port: int, is_running: Callable[[], bool]) -> bool:
    # a client that finds nobody waits half a second before it looks again; a bare connection may be tried at once
    while is_running():
        try:
            stream = await anyio.connect_tcp(LOOPBACK, port)
        except OSError:
            await anyio.sleep(_POLL_SECONDS)
        else:
            await stream.aclose()
            return True
    return False


async def _hello(client: "AsyncMongoClient[dict[str, Any]]") -> Mapping[str, Any]:
    try:
        return await client.admin.command("hello")
    except PyMongoError:
        # not listening yet, or between two states: the caller asks again until its deadline
        return {}


def _check_version(hello: Mapping[str, Any]) -> None:
    if hello.get("maxWireVersion", 0) < _OLDEST_WIRE_VERSION:
        raise MongodFailed(
            "The mongod that was started is older than MongoDB 5.0, the oldest Kehu works with. "
            f"Install a newer one, or name one in KEHU_MONGOD. {OTHER_WAYS}"
        )


async def _configure(client: "AsyncMongoClient[dict[str, Any]]", address: str) -> bool:
    """Whether the set has this address as its one member now; False to be asked again."""
    members = [{"_id": 0, "host": address}]
    try:
        await client.admin.command({"replSetInitiate": {"_id": REPLICA_SET, "members": members}})
    except OperationFailure as error:
        if error.code != _ALREADY_INITIALIZED:
            return False
        return await _readdress(client, address)
    return True


async def _readdress(client: "AsyncMongoClient[dict[str, Any]]", address: str) -> bool:
    stored = await client.local["system.replset"].find_one()
    if stored is None or [member["host"] for member in stored["members"]] == [address]:
        return stored is not None
    member = {**stored["members"][0], "host": address}
    config = {**stored, "members": [member], "version": stored["version"] + 1}
    try:
        await client.admin.command({"replSetReconfig": config, "force": True})
    except OperationFailure:
        return False
    return True
