"""Numbers named before."""

from acts.importing.seen import SeenNumbers


class TestEarlierLine:
    def test_the_first_line_of_a_number_is_known_ever_after(self) -> None:
        with SeenNumbers() as seen:
            assert seen.earlier_line("A", 2) is None
            assert seen.earlier_line("a", 3) is None
            assert seen.earlier_line("A", 4) == 2
            assert seen.earlier_line("A", 5) == 2
