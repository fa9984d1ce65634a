"""A child process answers, is held to its limits, and takes nobody with it."""

import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from acts.importing.errors import ImportRefused
from acts.importing.reading import MAP, read_map
from acts.rooms.keeping import Keeper
from acts.rooms.limits import IDLE, Limits, lacking
from acts.rooms.room import Room, RoomBroken
from tests.figures import Figure

pytestmark = [pytest.mark.rooms, pytest.mark.skipif(sys.platform != "linux", reason="Linux holds all limits")]
PLAIN = {
    "toml": '[client]\nnumber = "n"\n[proof]\nsource = "x"\n[values]\n"profile.name" = "n"\n',
    "mapping": None,
}
BOMB = {"toml": "a" + ".a" * 20_000 + "=1", "mapping": None}
"""One key of many parts, which takes a parser tens of seconds and some hundred megabytes."""


def _ask(given: dict[str, Any], limits: Limits) -> Any:
    room = Room()
    try:
        return room.ask(MAP, given, limits)
    finally:
        room.close()


class TestRoom:
    def test_answers(self) -> None:
        assert _ask(PLAIN, Limits())["values"] == {"profile.name": "n"}

    def test_what_is_refused_inside_is_refused_with_its_words(self) -> None:
        with pytest.raises(ImportRefused, match="The map is not TOML") as caught:
            _ask({"toml": "a = ", "mapping": None}, Limits())
        assert caught.value.path == ("map",)

    @pytest.mark.parametrize(
        ("limits", "words"),
        [
            (Limits(memory_bytes=150_000_000), "more than 150 MB of memory"),
            (Limits(memory_bytes=4_000_000_000, cpu_seconds=1), "more than 1 s of processor time"),
            (Limits(memory_bytes=4_000_000_000, deadline_seconds=0.8), r"longer than 0\.8 s"),
        ],
    )
    def test_whoever_takes_too_much_is_ended(self, limits: Limits, words: str) -> None:
        with pytest.raises(RoomBroken, match=words):
            _ask(BOMB, limits)

    def test_one_that_is_killed_says_so(self) -> None:
        room = Room()
        os.kill(room._process.pid, signal.SIGKILL)
        with pytest.raises(RoomBroken, match="was killed by the system"):
            room.ask(MAP, PLAIN, Limits())

    def test_one_that_left_unasked_is_replaced(self) -> None:
        class Tired(Room):
            begun = 0

            def _started(self) -> "subprocess.Popen[bytes]":
                self.begun += 1
                if self.begun > 1:
                    return super()._started()
                program = [sys.executable, "-c", f"raise SystemExit({IDLE})"]
                process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
                process.wait()
                return process

        room = Tired()
        assert room.ask(MAP, PLAIN, Limits())["client"] == {"number": "n"}
        room.close()
        assert room.begun == 2

    def test_has_none_of_the_secrets_of_its_parent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KEHU_CURSOR_SECRET", "CANARY")
        room = Room()
        with open(f"/proc/{room._process.pid}/environ", "rb") as file:
            assert b"CANARY" not in file.read()
        room.close()

    def test_memory_of_the_parent_stays(self, figure: Figure) -> None:
        before = _memory()
        with pytest.raises(RoomBroken):
            _ask(BOMB, Limits(memory_bytes=300_000_000, cpu_seconds=2))
        figure(f"{(_memory() - before) / 1e6:.1f} MB more in the parent")
        assert _memory() - before < 20_000_000

    def test_all_limits_are_held_here(self) -> None:
        assert lacking() is None


def _memory() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class TestKeeper:
    def test_the_next_one_is_kept_warm_and_handed_out(self) -> None:
        keeper = Keeper()
        first = keeper.take()
        keeper.give_back(first)
        assert not first.is_alive
        second = keeper.take()
        assert second.is_alive
        assert second.ask(MAP, PLAIN, Limits())["proof"] == {"source": "x"}
        keeper.give_back(second)
        keeper.end()

    def test_a_dead_one_is_not_handed_out(self) -> None:
        keeper = Keeper()
        keeper.give_back(keeper.take())
        spare = keeper._spare
        assert spare is not None
        spare._process.kill()
        spare._process.wait()
        fresh = keeper.take()
        assert fresh is not spare
        assert fresh.is_alive
        keeper.end()
        fresh.close()

    def test_none_is_started_at_the_end(self) -> None:
        keeper = Keeper()
        room = keeper.take()
        keeper.end()
        keeper.give_back(room)
        assert keeper._spare is None


class TestReadMap:
    @pytest.mark.anyio
    async def test_a_hostile_map_is_refused_and_the_next_one_read(self) -> None:
        with pytest.raises(ImportRefused, match="The map was not read: it took more than"):
            await read_map(BOMB["toml"], None)
        assert (await read_map(PLAIN["toml"], None)).proof.source == "x"
