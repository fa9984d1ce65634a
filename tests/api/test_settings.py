"""Settings from the environment."""

from pathlib import Path

import pytest

from api.setting import variable_of
from api.settings import Settings, SettingsError, load_settings
from api.settings_help import settings_help, unknown_settings
from catalogue.attribute import Facet


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable_of(name), raising=False)


class TestLoadSettings:
    def test_defaults(self) -> None:
        settings = load_settings()
        assert (settings.mongodb_uri, settings.mongodb_driver, settings.data_dir) == ("", "pymongo", Path(".kehu"))
        assert settings.demo is None

    def test_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KEHU_PORT", "9000")
        monkeypatch.setenv("KEHU_DEMO", "0")
        monkeypatch.setenv("KEHU_ALLOWED_ORIGINS", "https://a.example, https://b.example:8443")
        settings = load_settings()
        assert (settings.port, settings.demo) == (9000, 0)
        assert settings.allowed_origins == ("https://a.example", "https://b.example:8443")

    def test_facets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert load_settings().wildcard_facets == ()
        monkeypatch.setenv("KEHU_WILDCARD_FACETS", "derived, profile,derived,")
        assert load_settings().wildcard_facets == (Facet.DERIVED, Facet.PROFILE)

    def test_given_wins_unless_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KEHU_PORT", "9000")
        assert load_settings(port=9001, host=None).port == 9001
        assert load_settings(port=None).port == 9000

    def test_empty_is_unset(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in Settings.model_fields:
            monkeypatch.setenv(variable_of(name), "")
        assert load_settings() == Settings()

    @pytest.mark.parametrize(
        ("variable", "given", "message"),
        [
            ("KEHU_PORT", "70000", 'KEHU_PORT: got "70000"; expected a whole number from 0 to 65535.'),
            # What Kubernetes sets for a service that is named kehu.
            ("KEHU_PORT", "tcp://10.0.0.1:80", 'KEHU_PORT: got "tcp://10.0.0.1:80"; expected a whole number'),
            ("KEHU_MONGODB_DRIVER", "redis", 'KEHU_MONGODB_DRIVER: got "redis"; expected pymongo, motor or memory.'),
            ("KEHU_DATABASE", "a/b", 'KEHU_DATABASE: got "a/b"; expected 1 to 63 letters, digits, _ or -.'),
            ("KEHU_MONGO_TIMEOUT_SECONDS", "nan", 'KEHU_MONGO_TIMEOUT_SECONDS: got "nan"; expected a number above 0'),
            ("KEHU_ALLOWED_ORIGINS", "*", 'KEHU_ALLOWED_ORIGINS: got "*"; expected origins such as https://'),
            (
                "KEHU_WILDCARD_FACETS",
                "profile,mood",
                'KEHU_WILDCARD_FACETS: got "mood"; expected some of profile, behaviour, attitude, derived, comma-sep',
            ),
            ("KEHU_WILDCARD_FACETS", "all", 'KEHU_WILDCARD_FACETS: got "all"; expected some of profile, behaviour,'),
            ("KEHU_ENVIRONMENT", "prod", 'KEHU_ENVIRONMENT: got "prod"; expected development or production.'),
        ],
    )
    def test_bad_value(self, monkeypatch: pytest.MonkeyPatch, variable: str, given: str, message: str) -> None:
        monkeypatch.setenv(variable, given)
        with pytest.raises(SettingsError) as refused:
            load_settings()
        assert str(refused.value).startswith(message)
        assert len(str(refused.value).splitlines()) == 1

    def test_every_bad_value_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KEHU_PORT", "x")
        monkeypatch.setenv("KEHU_WORKERS", "0")
        with pytest.raises(SettingsError, match=r"(?s)KEHU_PORT.*\n.*KEHU_WORKERS"):
            load_settings()

    @pytest.mark.parametrize(
        ("variable", "given"), [("KEHU_CURSOR_SECRET", "hunter2"), ("KEHU_MONGODB_URI", "mongo://me:hunter2@db")]
    )
    def test_secrets_are_not_shown(self, monkeypatch: pytest.MonkeyPatch, variable: str, given: str) -> None:
        monkeypatch.setenv(variable, given)
        with pytest.raises(SettingsError) as refused:
            load_settings()
        assert variable in str(refused.value)
        assert "hunter2" not in str(refused.value)


class TestSettingsHelp:
    def test_every_setting_with_all_it_needs(self) -> None:
        text = settings_help()
        for name, field in Settings.model_fields.items():
            assert field.description
            assert isinstance(field.json_schema_extra, dict)
            assert f"{variable_of(name)}\n    {field.description}\n    {field.json_schema_extra['expected']}" in text


class TestUnknownSettings:
    def test_slip_of_the_pen(self) -> None:
        assert unknown_settings({"KEHU_PROT": "1", "KEHU_PORT": "1", "HOME": "/"}) == ["KEHU_PROT"]
