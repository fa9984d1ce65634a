"""What one person may ask for in a minute: cost, and look-ups that find nothing."""

import logging
import math
import time
from collections import OrderedDict
from typing import TypeVar

from limits import RateLimitItemPerMinute
from limits.aio.storage import Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import ConfigurationError
from limits.storage import storage_from_string

from api.errors import RateLimited
from api.settings import Settings, SettingsError
from schema.context import MISSED_LOOKUPS, RESTRICTED_VALUES

Key = TypeVar("Key")
_log = logging.getLogger("kehu.limits")

COST = "cost"
_PORTIONS = 100
_PERSONS_KEPT = 10_000
_ALERT_SECONDS = 60.0
_ADVICE = {
    COST: "Ask for smaller pages or fewer fields.",
    RESTRICTED_VALUES: "Ask for those alone that are needed now.",
    MISSED_LOOKUPS: "Check where the ids and numbers come from.",
}


class Rates:
    """The counts of the last minute, by person and by what is counted.

    The library `limits` keeps them, in this process or shared by all servers. Cost is taken from them in portions of a
    hundredth of the limit, so that nearly every request is counted without asking.
    """

    def __init__(self, settings: Settings) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(_storage(settings.rate_limits_uri))
        self._items: dict[str, RateLimitItemPerMinute] = {}
        self._in_hand: OrderedDict[str, float] = OrderedDict()
        self._held_until: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._alerted: OrderedDict[tuple[str, str], float] = OrderedDict()
        self.limit(COST, settings.cost_per_minute)
        self.limit(RESTRICTED_VALUES, settings.restricted_values_per_minute)
        self.limit(MISSED_LOOKUPS, settings.missed_lookups_per_minute)

    def limit(self, what: str, most: int) -> None:
        """Count this: at most so much a minute for a person, or as much as they like where it is 0."""
        if most:
            self._items[what] = RateLimitItemPerMinute(most, namespace=what)

    async def spend_cost(self, person: str, cost: float) -> None:
        """Count what an operation costs, before it runs.

        Raises: RateLimited.
        Cost: a fraction of a microsecond while the portion in hand lasts.
        """
        item = self._items.get(COST)
        if item is None:
            return
        left = self._in_hand.get(person, 0.0) - cost
        if left >= 0:
            self._in_hand[person] = left
            return
        need = math.ceil(-left)
        self._in_hand[person] = 0.0
        # Near the limit a whole portion is too much, and what is needed may still fit.
        for portion in (max(need, item.amount // _PORTIONS), need):
            if await self._take(item, person, portion):
                self._in_hand[person] = self._in_hand.get(person, 0.0) + left + portion
                _keep_newest(self._in_hand, person)
                return
        self._in_hand[person] = left + cost
        await self._refuse(COST, item, person)

    async def spend(self, person: str, what: str, count: int = 1) -> None:
        """Count something; nothing where no limit is set for it.

        Raises: RateLimited.
        """
        item = self._items.get(what)
        if item is not None and what == RESTRICTED_VALUES and count > item.amount:
            # Waiting would not help: this question alone asks for more.
            raise RateLimited(
                f"Those are {count} {what} at once; there are {item.amount} a minute. Ask for fewer records.",
                60,
                f"at most {item.amount} a minute",
            )
        if item is not None and count and not await self._take(item, person, count):
            await self._refuse(what, item, person)

    def check(self, person: str, what: str) -> None:
        """Nothing, unless the person was refused just now.

        Raises: RateLimited.
        Cost: a fraction of a microsecond.
        """
        until = self._held_until.get((person, what))
        if until is not None and (left := until - time.monotonic()) > 0:
            raise _refusal(what, self._items[what], math.ceil(left))

    async def _take(self, item: RateLimitItemPerMinute, person: str, count: int) -> bool:
        try:
            return await self._limiter.hit(item, person, cost=count)
        except Exception:
            # Counts are a fence and no wall: without them everybody who may ask is answered.
            _log.exception("the counts of a minute cannot be kept; nobody is held back")
            return True

    async def _refuse(self, what: str, item: RateLimitItemPerMinute, person: str) -> None:
        seconds = await self._retry_seconds(item, person)
        now, key = time.monotonic(), (person, what)
        self._held_until[key] = now + seconds
        _keep_newest(self._held_until, key)
        if now - self._alerted.get(key, -_ALERT_SECONDS) >= _ALERT_SECONDS:
            self._alerted[key] = now
            _keep_newest(self._alerted, key)
            alert = {"alert": "rate_limited", "person": person, "what": what, "limit_per_minute": item.amount}
            _log.warning("alert rate_limited: %s is over %d a minute of %s", person, item.amount, what, extra=alert)
        raise _refusal(what, item, seconds)

    async def _retry_seconds(self, item: RateLimitItemPerMinute, person: str) -> int:
        try:
            stats = await self._limiter.get_window_stats(item, person)
        except Exception:
            return 60
        return min(60, max(1, math.ceil(stats.reset_time - time.time())))


def _refusal(what: str, item: RateLimitItemPerMinute, seconds: int) -> RateLimited:
    return RateLimited(
        f"That is more than {item.amount} a minute of {what}. {_ADVICE.get(what, '')} Try again in {seconds} s.",
        seconds,
        f"at most {item.amount} a minute",
    )


def _keep_newest(kept: "OrderedDict[Key, float]", key: Key) -> None:
    kept.move_to_end(key)
    if len(kept) > _PERSONS_KEPT:
        kept.popitem(last=False)


def _storage(uri: str) -> Storage:
    """Where the counts are.

    Raises: SettingsError where the package that reaches it is not installed.
    """
    try:
        found = storage_from_string(uri)
    except (ConfigurationError, ImportError):
        scheme = uri.partition("://")[0]
        raise SettingsError(
            f"KEHU_RATE_LIMITS_URI: got an address of the kind {scheme}, which cannot be reached; expected"
            " async+memory://, async+mongodb://..., or async+redis://... with the package coredis installed."
        ) from None
    if not isinstance(found, Storage):
        raise SettingsError("KEHU_RATE_LIMITS_URI: got an address that blocks; expected one that begins with async+.")
    return found
