"""The commands that one question sends: recorded while somebody looks, at no cost otherwise."""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

READ_COMMANDS = frozenset(("find", "aggregate", "count", "distinct"))
_ENVELOPE = frozenset(("lsid", "$clusterTime", "$db", "$readPreference", "txnNumber", "maxTimeMS", "readConcern"))
"""What the driver adds to a command for its own bookkeeping."""
_OF_THE_SERVER = ("$collStats", "$changeStream")
"""Stages that a pipeline begins with when it asks about the server rather than for documents."""


class CommandTrace(CommandListener):
    """The reads that are sent while it is on, in order, without the driver's envelope."""

    def __init__(self) -> None:
        self.is_on = False
        self.commands: list[dict[str, Any]] = []

    def take(self, command: Mapping[str, Any]) -> None:
        """Note a command, if it reads documents and somebody looks."""
        if self.is_on and next(iter(command)) in READ_COMMANDS and not _is_about_the_server(command):
            self.commands.append({name: value for name, value in command.items() if name not in _ENVELOPE})

    def started(self, event: CommandStartedEvent) -> None:
        self.take(event.command)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Only what was asked counts."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Only what was asked counts."""


def _is_about_the_server(command: Mapping[str, Any]) -> bool:
    pipeline: Sequence[Mapping[str, Any]] = command.get("pipeline") or ({},)
    return any(name in pipeline[0] for name in _OF_THE_SERVER)
