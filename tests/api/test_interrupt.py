"""The first Ctrl-C is a wish, the second one an end."""

import asyncio
import os
import signal

import pytest

from api.interrupt import Interrupt

pytestmark = pytest.mark.anyio


class TestInterrupt:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    async def test_the_first_signal_is_noted_and_announced(self, number: int) -> None:
        heard: list[str] = []
        with Interrupt(lambda: heard.append("stop")) as interrupt:
            assert not interrupt.is_set()
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.05)
            assert interrupt.is_set()
        assert heard == ["stop"]

    async def test_the_second_ctrl_c_ends_at_once(self) -> None:
        with Interrupt(lambda: None):
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0.05)
            assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    async def test_nothing_is_caught_afterwards(self) -> None:
        with Interrupt(lambda: None):
            assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
