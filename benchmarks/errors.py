"""Why the benchmark cannot run."""


class BenchmarkError(Exception):
    """Something is missing or wrong; the message says what to do."""
