"""The time that expiry is judged by."""

import pytest

from api.clock import LEAP_SECONDS, SteadyClock

START = 1_800_000_000.0


class Hands:
    """A wall clock and the time that has really passed."""

    def __init__(self) -> None:
        self.wall = START
        self.passed = 100.0

    def go(self, seconds: float) -> None:
        self.wall += seconds
        self.passed += seconds


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def clock(hands: Hands) -> SteadyClock:
    return SteadyClock(lambda: hands.wall, lambda: hands.passed)


class TestSteadyClock:
    def test_follows_the_wall(self, hands: Hands, clock: SteadyClock) -> None:
        hands.go(3_600)
        assert clock() == START + 3_600

    def test_a_leap_back_changes_little(self, hands: Hands, clock: SteadyClock) -> None:
        hands.go(600)
        hands.wall -= 300
        assert clock() == START + 600 - LEAP_SECONDS

    def test_a_leap_forward_is_followed_and_forgotten(self, hands: Hands, clock: SteadyClock) -> None:
        hands.wall += 300
        assert clock() == START + 300
        hands.wall -= 300
        assert clock() == START

    def test_of_this_machine(self) -> None:
        clock = SteadyClock()
        assert clock() <= clock()
