"""The key management service that the settings name; a remote one is tried over TLS on this machine."""

import asyncio
import base64
import datetime as dt
import json
import re
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.kms import MASTER_KEY_FILE, kms_of
from api.settings import Settings, SettingsError
from repositories.mongo import MongoSettings, Store, connect
from repositories.plan import ID, Page, ReadPlan
from repositories.repositories import open_repositories
from repositories.vault import LOCAL_KEY_BYTES
from repositories.vault.errors import VaultAway
from tests.books import SECRET, change, master_key, record
from tests.repositories.vault.test_vault import CATALOGUE, READER, VALUES, whole

HOST = "127.0.0.1"
"""libmongocrypt wants a dot in a host's name."""
KEY = '{"key": "1"}'


def settings(tmp_path: Path, **given: Any) -> Settings:
    return Settings(data_dir=tmp_path, **given)


class TestLocal:
    def test_the_file_is_made_at_first_need_for_the_owner_alone(self, tmp_path: Path) -> None:
        kms = kms_of(settings(tmp_path))
        assert list(tmp_path.iterdir()) == []
        key = kms().credentials["key"]
        file = tmp_path / MASTER_KEY_FILE
        assert (file.read_bytes(), len(key), file.stat().st_mode & 0o777) == (key, LOCAL_KEY_BYTES, 0o600)
        assert kms_of(settings(tmp_path))().credentials["key"] == key

    def test_production_refuses_it_unless_it_is_allowed(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="KEHU_KMS: got local in production"):
            kms_of(settings(tmp_path, environment="production"))
        allowed = settings(tmp_path, environment="production", kms_local_in_production=True)
        assert kms_of(allowed)().provider == "local"

    def test_the_memory_driver_leaves_no_file(self, tmp_path: Path) -> None:
        kms = kms_of(settings(tmp_path, mongodb_driver="memory"))
        assert kms().credentials == kms().credentials
        assert list(tmp_path.iterdir()) == []

    def test_a_file_of_another_length_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / MASTER_KEY_FILE).write_bytes(b"short")
        with pytest.raises(SettingsError, match="expected 96"):
            kms_of(settings(tmp_path))()


class TestRemote:
    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({}, "KEHU_KMS_MASTER_KEY: got nothing with KEHU_KMS=aws"),
            ({"kms_master_key": "arn:1"}, 'KEHU_KMS_MASTER_KEY: got "arn:1"; expected a JSON object'),
            (
                {"kms_master_key": '{"key": "1"}', "kms_credentials": "[secret]"},
                "KEHU_KMS_CREDENTIALS: got a value that",
            ),
            ({"kms_master_key": '{"key": "1"}', "kms_ca_file": Path("no/file")}, "KEHU_KMS_CA_FILE"),
        ],
    )
    def test_what_cannot_be_right_is_said_at_the_start(self, given: dict[str, Any], words: str, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match=words) as refused:
            kms_of(settings(tmp_path, kms="aws", **given))
        assert "[secret]" not in str(refused.value)


class FakeAws:
    """Wraps by turning the bytes round: enough of the service to see that every key goes through it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_away = False

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(re.search(r"(?i)content-length:\s*(\d+)", head)[1])  # type: ignore[index]
        body = json.loads(await reader.readexactly(length))
        verb = re.search(r"(?i)x-amz-target:\s*TrentService\.(\w+)", head)[1]  # type: ignore[index]
        if not self.is_away:
            self.asked.append(verb)
            given = base64.b64decode(body["Plaintext" if verb == "Encrypt" else "CiphertextBlob"])
            name = "CiphertextBlob" if verb == "Encrypt" else "Plaintext"
            text = json.dumps({name: base64.b64encode(given[::-1]).decode(), "KeyId": "key"})
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
            await writer.drain()
        writer.close()


def certificate(directory: Path) -> tuple[Path, Path]:
    """A certificate for this machine, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    today = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = directory / "kms.crt", directory / "kms.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem, pkcs8, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private.write_bytes(key.private_bytes(pem, pkcs8, plain))
    return public, private


@pytest.fixture
async def aws(tmp_path: Path) -> AsyncIterator[tuple[FakeAws, Settings]]:
    """The service, and the settings that name it."""
    public, private = certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(public, private)
    fake = FakeAws()
    server = await asyncio.start_server(fake.answer, HOST, 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    named = settings(
        tmp_path,
        kms="aws",
        kms_credentials='{"accessKeyId": "id", "secretAccessKey": "secret"}',
        kms_master_key=json.dumps({"region": "here", "key": "key", "endpoint": f"{HOST}:{port}"}),
        kms_ca_file=public,
    )
    yield fake, named
    server.close()
    await server.wait_closed()


class TestAsk:
    @pytest.fixture
    async def store(self) -> AsyncIterator[Store]:
        store = connect(MongoSettings(driver="memory"))
        yield store
        await store.close()

    async def test_keys_are_wrapped_and_opened_by_the_service(
        self, aws: tuple[FakeAws, Settings], store: Store
    ) -> None:
        fake, named = aws
        book = await open_repositories(store, CATALOGUE, SECRET, kms=kms_of(named))
        await book.clients.insert(record("C1"), change(VALUES))
        # One key for the look-ups and one for the client, each made and opened once.
        assert sorted(fake.asked) == ["Decrypt", "Decrypt", "Encrypt", "Encrypt"]
        assert b"CANARY" not in await whole(store)
        fresh = await open_repositories(store, CATALOGUE, SECRET, kms=kms_of(named))
        plan = ReadPlan("clients", frozenset(("profile.taxId", ID)), page=Page(5))
        authorised = fresh.access.authorise(plan, READER)
        assert (await fresh.clients.read_page(authorised)).documents[0]["profile"] == {"taxId": "CANARY-TAX-1"}

    async def test_while_it_is_away_nothing_is_shown_and_nothing_written(
        self, aws: tuple[FakeAws, Settings], store: Store
    ) -> None:
        fake, named = aws
        book = await open_repositories(store, CATALOGUE, SECRET, kms=kms_of(named))
        await book.clients.insert(record("C1"), change(VALUES))
        fake.is_away = True
        before = await whole(store)
        fresh = await open_repositories(store, CATALOGUE, SECRET, kms=kms_of(named))
        plan = ReadPlan("clients", frozenset(("profile.taxId", "number", ID)), page=Page(5))
        (found,) = (await fresh.clients.read_page(fresh.access.authorise(plan, READER))).documents
        assert (found["number"], found["profile"]) == ("C1", {})
        with pytest.raises(VaultAway):
            await fresh.clients.insert(record("C2"), change(VALUES))
        assert await whole(store) == before
        fake.is_away = False
        await fresh.clients.insert(record("C2"), change(VALUES))

    async def test_keys_move_from_a_local_master_key_to_the_service(
        self, aws: tuple[FakeAws, Settings], store: Store
    ) -> None:
        fake, named = aws
        old = await open_repositories(store, CATALOGUE, SECRET, kms=master_key)
        await old.clients.insert(record("C1"), change(VALUES))
        remote = kms_of(named)()
        both = replace(remote, also={"local": dict(master_key().credentials)})
        moving = await open_repositories(store, CATALOGUE, SECRET, kms=lambda: both)
        assert await moving.vault.rewrap() == 2
        assert fake.asked == ["Encrypt", "Encrypt"]
        new = await open_repositories(store, CATALOGUE, SECRET, kms=kms_of(named))
        plan = ReadPlan("clients", frozenset(("profile.taxId", ID)), page=Page(5))
        (found,) = (await new.clients.read_page(new.access.authorise(plan, READER))).documents
        assert found["profile"] == {"taxId": "CANARY-TAX-1"}
