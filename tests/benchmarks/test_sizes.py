"""Sizes on disk."""

from benchmarks.sizes import sizes_from


class TestSizesFrom:
    def test_megabytes_the_largest_index_first(self) -> None:
        stats = {"size": 7_512_345, "storageSize": 2_000_000, "totalIndexSize": 320_000}
        found = sizes_from(stats | {"indexSizes": {"_id_": 20_000, "manager": 300_000}})
        assert found == {
            "data_mb": 7.5,
            "storage_mb": 2.0,
            "indexes_mb": 0.3,
            "indexes": {"manager": 0.3, "_id_": 0.02},
        }
        assert list(found["indexes"]) == ["manager", "_id_"]
