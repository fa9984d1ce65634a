"""What goes between processes comes out as it went in."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest

from acts.importing.errors import ImportRefused
from acts.importing.source import ABSENT
from acts.models.files import RuntimeAway
from acts.rooms import messages
from acts.rooms.messages import error_from, packed, unpacked, words_of
from catalogue.errors import ErrorCode, KehuError, Problem, Refused

THINGS = (
    1,
    2**70,
    0.1,
    "漢 \udce9 \x00",
    None,
    True,
    date(2026, 1, 2),
    datetime(2026, 1, 2, 3, 4, 5, 6000, UTC),
    time(3, 4),
    timedelta(days=1.5),
    Decimal("12.50"),
    b"\x00\xff",
    ABSENT,
    {"a": [Decimal(1), {"b": date(2026, 1, 2)}]},
)


class TestMessages:
    @pytest.mark.parametrize("thing", THINGS, ids=lambda thing: type(thing).__name__)
    def test_a_thing_stays_what_it_is(self, thing: object) -> None:
        found = unpacked(packed([thing])[4:])[0]
        assert found == thing
        assert type(found) is type(thing)

    def test_what_has_no_word_is_refused(self) -> None:
        with pytest.raises(ValueError, match="type object"):
            packed(object())

    def test_what_nests_too_deep_is_refused(self) -> None:
        deep: list[object] = []
        for _ in range(100_000):
            deep = [deep]
        with pytest.raises(ValueError, match="nests too deep"):
            packed(deep)
        with pytest.raises(ValueError, match="nests too deep"):
            unpacked(b"[" * 100_000)

    def test_what_is_too_long_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(messages, "FRAME_LIMIT_BYTES", 10)
        with pytest.raises(ValueError, match="it comes to 22 bytes"):
            packed("x" * 20)


class TestErrors:
    @pytest.mark.parametrize(
        "error",
        [
            ImportRefused("no", path=("map",), given="x", expected="y"),
            Refused(
                [Problem(ErrorCode.MODEL_REFUSED, "one", ("file",)), Problem(ErrorCode.MODEL_REFUSED, "two", row=3)]
            ),
            RuntimeAway("onnx"),
            KehuError("gone", code=ErrorCode.NOT_FOUND),
        ],
    )
    def test_an_error_stays_what_it_is(self, error: KehuError) -> None:
        found = error_from(unpacked(packed(words_of(error))[4:]))
        assert type(found) is type(error)
        assert found.problems() == error.problems()
