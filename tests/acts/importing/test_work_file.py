"""What an import has found out, kept batch by batch."""

from pathlib import Path

from acts.importing.work_file import Checked, RefusedCells, WorkFile

ROW = RefusedCells(3, 7, "line 4: wrong", ("a", "\udce9"))


class TestWorkFile:
    def test_what_was_committed_is_there_again_and_half_a_batch_is_not(self, tmp_path: Path) -> None:
        path = tmp_path / "jb.work"
        with WorkFile(path) as work:
            assert work.earlier_line("C1", 2) is None
            work.refuse(ROW)
            work.note_checked(Checked(4, 3, 0))
            work.commit()
            assert work.earlier_line("C2", 3) is None
            work.note_checked(Checked(8, 6, 0))
        assert path.stat().st_mode & 0o777 == 0o600
        with WorkFile(path) as work:
            assert (work.checked, list(work.refused())) == (Checked(4, 3, 0), [ROW])
            assert work.earlier_line("C2", 9) is None

    def test_the_same_line_again_is_no_second_one(self, tmp_path: Path) -> None:
        with WorkFile(tmp_path / "w") as work:
            assert [work.earlier_line("C1", line) for line in (2, 2, 5)] == [None, None, 2]

    def test_a_row_that_is_refused_again_is_noted_once(self, tmp_path: Path) -> None:
        with WorkFile(tmp_path / "w") as work:
            work.refuse(ROW)
            work.refuse(ROW)
            assert work.count_refused() == 1
            assert work.refused_between(1, 2) == frozenset()
            assert work.refused_between(3, 9) == {3}

    def test_a_broken_one_begins_anew(self, tmp_path: Path) -> None:
        path = tmp_path / "w"
        path.write_bytes(b"no database, but as long as one" * 100)
        with WorkFile(path) as work:
            assert work.checked == Checked()
