"""What a collection takes up on disk."""

from typing import Any

from pymongo import MongoClient

from repositories.mongo import Store

MB = 1_000_000


def write_out(uri: str) -> None:
    """Have mongod write to disk what it keeps in memory; before that the sizes of files say nothing."""
    with MongoClient[dict[str, Any]](uri) as client:
        client.admin.command("fsync")


async def sizes_of(store: Store, collection: str) -> dict[str, Any]:
    """The sizes of a collection.

    Shape: data_mb (as inserted), storage_mb (compressed), indexes_mb, and each index by name, the largest first.
    """
    found = await store.collection(collection).aggregate([{"$collStats": {"storageStats": {}}}])
    return sizes_from(found[0]["storageStats"])


def sizes_from(stats: dict[str, Any]) -> dict[str, Any]:
    """The same from the database's own figures in bytes."""
    by_size = sorted(stats["indexSizes"].items(), key=lambda each: -each[1])
    return {
        "data_mb": round(stats["size"] / MB, 1),
        "storage_mb": round(stats["storageSize"] / MB, 1),
        "indexes_mb": round(stats["totalIndexSize"] / MB, 1),
        "indexes": {name: round(size / MB, 2) for name, size in by_size},
    }
