"""The file of heads: its lines, its key, its rights, and several writers."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from acts.audit import BrokenHead
from api.audit_heads import KEY_FILE, AuditKey, Verifier, append_head, audit_key_in, read_heads
from api.settings import SettingsError
from repositories.audit_log import Head

KEY = AuditKey(bytes(32))
PUBLIC = "O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik="
AT = datetime(2026, 11, 26, 9, tzinfo=UTC)
VERIFY = Verifier([PUBLIC])


def head(sequence: int) -> Head:
    return Head("P", sequence, f"{sequence:064}", AT)


class TestAuditKey:
    def test_by_exact_value(self) -> None:
        # the public half of the zero seed and its signature of nothing, as other Ed25519 libraries have them
        assert KEY.public == PUBLIC
        assert VERIFY(b"data", KEY.sign(b"data"))

    def test_is_made_once_for_a_directory_and_is_its_owners_alone(self, tmp_path: Path) -> None:
        assert audit_key_in(tmp_path).public == audit_key_in(tmp_path).public
        assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600

    @pytest.mark.parametrize("signature", [None, 7, "", "no base64", "AAAA", KEY.sign(b"other")])
    def test_what_is_no_signature(self, signature: object) -> None:
        assert not VERIFY(b"data", signature)

    @pytest.mark.parametrize("text", ["", "no base64", "AAAA"])
    def test_what_is_no_public_key(self, text: str) -> None:
        with pytest.raises(SettingsError, match="expected 44 characters of base64"):
            Verifier([text])


class TestAppendHead:
    def test_a_signed_line_that_names_the_one_before(self, tmp_path: Path) -> None:
        path = tmp_path / "deep" / "heads.jsonl"
        append_head(path, KEY, head(0))
        append_head(path, KEY, head(7))
        first, second = path.read_bytes().splitlines()
        said = json.loads(first)
        assert KEY.sign(
            b'{"at":"2026-11-26T09:00:00.000+00:00","hash":"' + b"0" * 64 + b'","partition":"P","previous":"'
            + b"0" * 64 + b'","sequence":0}'
        ) == said.pop("signature")  # fmt: skip
        assert said == {
            "partition": "P",
            "sequence": 0,
            "hash": "0" * 64,
            "at": "2026-11-26T09:00:00.000+00:00",
            "previous": "0" * 64,
        }
        assert json.loads(second)["previous"] == sha256(first).hexdigest()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_many_at_once_take_turns(self, tmp_path: Path) -> None:
        path = tmp_path / "heads.jsonl"
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda each: append_head(path, KEY, head(each)), range(60)))
        found = list(read_heads(path, VERIFY))
        assert sorted(each.sequence for each in found if isinstance(each, Head)) == list(range(60))


class TestReadHeads:
    def test_what_was_appended(self, tmp_path: Path) -> None:
        path = tmp_path / "heads.jsonl"
        for each in range(3):
            append_head(path, KEY, head(each))
        assert list(read_heads(path, VERIFY)) == [head(0), head(1), head(2)]

    @pytest.mark.parametrize("line", [b"", b"{}", b"[]", b"no json", b'{"signature": 1, "partition": "P"}'])
    def test_what_is_no_head(self, tmp_path: Path, line: bytes) -> None:
        path = tmp_path / "heads.jsonl"
        path.write_bytes(line + b"\n")
        assert list(read_heads(path, VERIFY)) == [BrokenHead(str(path), 1, "it is no head")]

    def test_lines_that_were_changed_or_changed_places(self, tmp_path: Path) -> None:
        path = tmp_path / "heads.jsonl"
        for each in range(3):
            append_head(path, KEY, head(each))
        first, second, third = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(first + third + second)
        behind = "the line before is not the one that it was written behind"
        assert list(read_heads(path, VERIFY)) == [
            head(0), BrokenHead(str(path), 2, behind), BrokenHead(str(path), 3, behind)
        ]  # fmt: skip
        path.write_bytes(first.replace(b'"sequence": 0', b'"sequence": 9'))
        unsigned = "its signature was not made with this key"
        assert list(read_heads(path, VERIFY)) == [BrokenHead(str(path), 1, unsigned)]
