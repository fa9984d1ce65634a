"""What an import shows: a progress bar on a terminal, plain lines elsewhere, refused rows, and the report."""

import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from acts.importing.clients import ImportOrder
from acts.importing.refused_file import report_of
from acts.importing.rows import RefusedRow
from acts.importing.run import Prepared, Tally

_LINE_SECONDS = 5.0
"""Pause between two lines of progress where there is no terminal."""


class ImportScreen:
    """Listens to one import. Progress and problems go to standard error, the report to standard output."""

    def __init__(self, console: Console, errors: Console, shown: int, *, is_dry_run: bool) -> None:
        self._console = console
        self._errors = errors
        self._most = shown
        self._is_dry_run = is_dry_run
        self._ready: Prepared | None = None
        self._tally = Tally()
        self._is_stopped: Callable[[], bool] = lambda: False
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._started = self._said = time.monotonic()
        self._shown = 0

    def open(self, ready: Prepared, tally: Tally, is_stopped: Callable[[], bool]) -> None:
        """Begin to show an import."""
        self._ready, self._tally, self._is_stopped = ready, tally, is_stopped
        self._started = self._said = time.monotonic()
        if ready.reading.facts.unused:
            self._say(f"Columns that the map does not use: {', '.join(ready.reading.facts.unused)}.")
        if ready.reading.facts.left_out:
            self._say(f"Left out, because the file lacks their columns: {', '.join(ready.reading.facts.left_out)}.")
        if self._errors.is_terminal:
            columns = BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), TextColumn("{task.fields[done]}")
            self._bar = Progress(*columns, console=self._errors, transient=True)
            self._task = self._bar.add_task("", total=ready.reading.facts.total or None, done="")
            self._bar.start()

    def close(self) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.stop()

    def refuse(self, row: RefusedRow) -> None:
        """Show a refused row, if not too many were shown already."""
        if self._shown < self._most and self._ready is not None:
            self._shown += 1
            self._say(report_of(row, self._ready.reading.facts.line_word))

    def progress(self, tally: Tally, position: int) -> None:
        """Show how far the import is."""
        now = time.monotonic()
        done = f"{tally.rows:,} rows, {tally.refused:,} refused, {self._speed(tally):,.0f} rows/s"
        if self._bar is not None:
            self._bar.update(self._task, completed=position, done=done)
        elif now - self._said >= _LINE_SECONDS and self._ready is not None:
            self._said = now
            self._say(f"{done}, {position / max(1, self._ready.reading.facts.total):.0%}")

    def is_stopped(self) -> bool:
        """Whether somebody pressed Ctrl-C."""
        return self._is_stopped()

    def announce_stop(self) -> None:
        """Say that Ctrl-C was heard."""
        self._say("Stopping after this batch. Press Ctrl-C again to break off at once.")

    def fail(self, message: str) -> None:
        """Say why the import ended early, and what of it is done."""
        self._say(message)
        if self._tally.rows:
            self._say(self._so_far())

    def break_off(self) -> None:
        """Say what is done after a second Ctrl-C."""
        self._say(f"Broken off. {self._so_far()}")

    def report(self, tally: Tally, order: ImportOrder) -> None:
        """Say what was done."""
        ready = self._ready
        if ready is None:
            return
        missing = [each.path for each in ready.missing]
        if missing:
            self._tell(f"Attributes {'to define' if self._is_dry_run else 'defined'}: {', '.join(missing)}.")
        if tally.refused > self._shown:
            rest = tally.refused - self._shown
            kept = "" if order.refused_path else " --refused FILE.csv keeps all of them."
            self._say(f"{rest:,} more refused rows are not shown.{kept}")
        if tally.refused and order.refused_path:
            self._tell(f"Refused rows are in {order.refused_path}; mend them there and import it with the same map.")
        if (unmatched := ready.reading.unmatched) and order.map.join is not None:
            self._tell(f"{unmatched:,} rows have no row in {order.map.join.file}.")
        self._tell(self._sum(tally))
        if self._is_dry_run and tally.numbers:
            self._tell(f"The first client numbers are {', '.join(tally.numbers)}.")
        if tally.is_interrupted:
            self._tell(f"Stopped. {self._so_far()}")

    def _sum(self, tally: Tally) -> str:
        counts = f"{tally.created:,} created, {tally.changed:,} changed, {tally.unchanged:,} unchanged"
        seconds = time.monotonic() - self._started
        text = f"{tally.rows:,} rows: {counts}, {tally.refused:,} refused"
        start = "Dry run, nothing was written. " if self._is_dry_run else ""
        return f"{start}{text}; {seconds:.1f} s, {self._speed(tally):,.0f} rows/s."

    def _so_far(self) -> str:
        if self._is_dry_run:
            return "Nothing was written."
        return f"{self._tally.stored:,} rows are stored. Run the same command again to go on."

    def _speed(self, tally: Tally) -> float:
        """Units: rows per second."""
        return tally.rows / max(0.001, time.monotonic() - self._started)

    def _say(self, text: str) -> None:
        self._errors.print(text, markup=False, highlight=False, soft_wrap=True)

    def _tell(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
