"""The parts of `kehu serve`; the whole of it runs in tests/journeys."""

import io
import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from api import serving
from api.serving import announce, bound, demo_progress, ending_on_signals, is_ready, pass_on, person_of, serve
from api.settings import Settings, SettingsError, load_settings
from api.tokens import LocalIssuer
from catalogue.attribute import Facet
from policy.viewer import ROLES
from tests.api.toys import live_server

LISTS = {"wildcard_facets": (Facet.PROFILE, Facet.DERIVED), "allowed_origins": ("https://a.example",)}
"""Settings of several values."""


def settings(tmp_path: Path, **more: Any) -> Settings:
    return Settings(data_dir=tmp_path, **more)


class TestServe:
    def test_production_without_an_identity_provider(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="KEHU_OIDC_ISSUER: got nothing with KEHU_ENVIRONMENT=production"):
            serve(settings(tmp_path, environment="production"))

    def test_memory_lives_in_one_process(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="KEHU_WORKERS: got 2; expected 1 with the memory driver"):
            serve(settings(tmp_path, mongodb_driver="memory", workers=2))


class TestBound:
    def test_any_free_port(self, tmp_path: Path) -> None:
        with bound(settings(tmp_path, port=0)) as listening:
            assert listening.getsockname()[1] > 0
        assert listening.fileno() == -1

    def test_a_taken_port_is_explained(self, tmp_path: Path) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            words = rf"127\.0\.0\.1:{port} cannot be listened on"
            with pytest.raises(SettingsError, match=words), bound(settings(tmp_path, port=port)):
                raise AssertionError("it was free")

    def test_a_host_that_is_no_address_of_this_machine(self, tmp_path: Path) -> None:
        elsewhere = settings(tmp_path, host="192.0.2.1", port=0)
        with pytest.raises(SettingsError, match="cannot be listened on"), bound(elsewhere):
            raise AssertionError("it was free")


class TestEndingOnSignals:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_ends_by_way_of_every_finally(self, number: signal.Signals) -> None:
        before = signal.getsignal(number)
        steps: list[str] = []
        with ending_on_signals():
            try:
                os.kill(os.getpid(), number)
                threading.Event().wait(5)
                steps.append("went on")
            finally:
                steps.append("finally")
        assert steps == ["finally"]
        assert signal.getsignal(number) is before


class TestPassOn:
    def test_a_worker_reads_the_same_settings(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in Settings.model_fields:
            # set and removed again by monkeypatch, so that nothing is left behind
            monkeypatch.setenv(f"KEHU_{name.upper()}", "")
        chosen = settings(
            tmp_path, database="bank", workers=2, page_limit_rows=7, mongo_timeout_seconds=1.5, demo=30, **LISTS
        )
        pass_on(chosen, "mongodb://127.0.0.1:1/")
        found = load_settings()
        assert found.mongodb_uri == "mongodb://127.0.0.1:1/"
        assert (found.demo, found.database, found.data_dir) == (0, "bank", tmp_path)
        same = {"mongodb_uri", "demo"}
        assert found.model_dump(exclude=same) == chosen.model_dump(exclude=same)

    def test_the_secret_and_the_origins_stay_as_the_environment_has_them(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in Settings.model_fields:
            monkeypatch.setenv(f"KEHU_{name.upper()}", "")
        monkeypatch.setenv("KEHU_CURSOR_SECRET", "s" * 40)
        monkeypatch.setenv("KEHU_ALLOWED_ORIGINS", "https://a.example,https://b.example")
        pass_on(load_settings(data_dir=tmp_path), "mongodb://127.0.0.1:1/")
        found = load_settings()
        assert found.cursor_secret.get_secret_value() == "s" * 40
        assert found.allowed_origins == ("https://a.example", "https://b.example")


class TestDemoProgress:
    @pytest.mark.parametrize("is_terminal", [False, True])
    def test_says_when_the_book_is_loaded(self, monkeypatch: pytest.MonkeyPatch, is_terminal: bool) -> None:
        said = io.StringIO()
        monkeypatch.setattr(serving, "notes", Console(file=said, force_terminal=is_terminal, width=100))
        with demo_progress() as progress:
            for done in (500, 1_000):
                progress(done, 1_000)
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.getvalue())
        assert plain.count("The demonstration book is loaded: 1000 clients.") == 1


class TestAnnounce:
    @pytest.fixture
    def address(self) -> Iterator[tuple[str, list[bool]]]:
        """A server that says it is ready from its second answer on."""
        answers: list[bool] = []

        async def readyz(_request: object) -> JSONResponse:
            answers.append(bool(answers))
            return JSONResponse({"status": "ready" if answers[-1] else "not ready"}, 200 if answers[-1] else 503)

        with live_server(Starlette(routes=[Route("/readyz", readyz)])) as found:
            yield found, answers

    def test_waits_until_the_server_is_ready(
        self, tmp_path: Path, address: tuple[str, list[bool]], capsys: pytest.CaptureFixture[str]
    ) -> None:
        chosen = settings(tmp_path)
        issuer = LocalIssuer(chosen)
        is_ready_now = threading.Event()
        announce(chosen, issuer, int(address[0].rpartition(":")[2]), threading.Event(), is_ready_now)
        assert is_ready_now.is_set()
        ready, *lines = capsys.readouterr().out.splitlines()
        tokens = [line for line in lines if line.split()[0] in ROLES]
        assert address[1] == [False, True]
        assert ready == f"Kehu is ready at http://{address[0]}/graphql"
        assert any("Authorization: Bearer" in line for line in lines)
        assert [line.split()[0] for line in tokens] == list(ROLES)
        assert [issuer.verify(line.split()[1]).role for line in tokens] == list(ROLES)

    def test_in_production_there_are_no_tokens_of_ours(
        self, tmp_path: Path, address: tuple[str, list[bool]], capsys: pytest.CaptureFixture[str]
    ) -> None:
        announce(settings(tmp_path), None, int(address[0].rpartition(":")[2]), threading.Event(), threading.Event())
        assert capsys.readouterr().out == f"Kehu is ready at http://{address[0]}/graphql\n"

    def test_says_nothing_once_the_server_has_stopped(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        stop = threading.Event()
        stop.set()
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            announce(
                settings(tmp_path),
                LocalIssuer(settings(tmp_path)),
                nobody.getsockname()[1],
                stop,
                (ready := threading.Event()),
            )
        assert (capsys.readouterr().out, ready.is_set()) == ("", False)

    def test_a_server_of_another_kind_is_not_ready(self) -> None:
        async def other(_request: object) -> JSONResponse:
            return JSONResponse(["hello"])

        with live_server(Starlette(routes=[Route("/readyz", other)])) as found:
            assert not is_ready(f"http://{found}")


class TestPersonOf:
    def test_of_the_book(self) -> None:
        assert [person_of(role, has_book=True) for role in ("team_lead", "relationship_manager", "risk_officer")] == [
            "M001",
            "M001",
            "demo-risk-officer",
        ]

    def test_without_a_book_each_role_is_somebody_else(self) -> None:
        assert len({person_of(role, has_book=False) for role in ROLES}) == len(ROLES)
