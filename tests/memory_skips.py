"""What the memory driver cannot do, test by test, with the reason; tests/conftest.py skips these on it."""

MEMORY_SKIPS: dict[str, str] = {
    "test_reading.py::TestReadPage::test_a_walk_over_equal_and_unset_values_meets_each_client_once[memory-10000]": (
        "mongomock-ng sorts all of them for every page; it walks over 250"
    ),
    "test_client_groups.py::TestReadPage::test_decimals": "mongomock-ng cannot compare decimals",
    "test_client_groups.py::TestReadPage::test_exact_figures": "mongomock-ng cannot compare decimals",
    "test_client_groups.py::TestReadPage::test_ranges_of_decimals": "mongomock-ng cannot compare decimals",
    "test_client_groups.py::TestReadPage::test_spans_of_time": "mongomock-ng cuts no unset date, and no week on Monday",
    "test_collection.py::TestAggregate::test_a_refused_stage": "mongomock-ng cannot tell wrong from not made yet",
    "test_transactions.py::TestTransaction::test_others_do_not_see": "mongomock-ng sessions do not isolate",
    "test_transactions.py::TestTransaction::test_retries_a_conflict": "mongomock-ng sessions know no write conflicts",
    "test_watch.py::TestWatch": "mongomock-ng has no change streams",
    "test_store.py::TestSetValidator": "mongomock-ng has no $jsonSchema",
}
"""Part of a test's id (without the driver) -> why it is not run on the memory driver."""
