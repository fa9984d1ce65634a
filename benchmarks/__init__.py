"""The benchmark: Kehu beside other servers on the same data and the same work. Run it with scripts/bench."""
