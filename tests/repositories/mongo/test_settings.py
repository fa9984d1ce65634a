"""The safe settings, and the URI's right to differ."""

import pytest

from repositories.mongo.settings import MongoSettings, client_options, hosts_of, watching_options

URI = "mongodb://127.0.0.1:27017/?replicaSet=kehu"


class TestMongoSettings:
    def test_an_unknown_driver_is_refused_with_the_known_ones(self) -> None:
        with pytest.raises(ValueError, match=r'"asyncpg" is unknown\. Give one of pymongo, motor, memory'):
            MongoSettings(driver="asyncpg")  # type: ignore[arg-type]

    @pytest.mark.parametrize("uri", ["", "127.0.0.1:27017", "http://127.0.0.1"])
    def test_a_real_driver_needs_a_mongodb_uri(self, uri: str) -> None:
        with pytest.raises(ValueError, match="KEHU_MONGODB_URI"):
            MongoSettings(uri=uri)


class TestClientOptions:
    def test_waits_for_the_majority_and_the_journal_and_never_for_ever(self) -> None:
        options = client_options(MongoSettings(uri=URI))
        assert options == {
            "w": "majority",
            "journal": True,
            "readConcernLevel": "majority",
            "retryWrites": True,
            "retryReads": True,
            "timeoutMS": 3000,
            "serverSelectionTimeoutMS": 2000,
            "connectTimeoutMS": 1000,
            "waitQueueTimeoutMS": 500,
            "heartbeatFrequencyMS": 2000,
            "maxPoolSize": 50,
            "appname": "kehu",
            "tz_aware": True,
        }

    def test_what_the_uri_sets_is_left_to_it(self) -> None:
        options = client_options(MongoSettings(uri=f"{URI}&timeoutms=9000&W=1&maxPoolSize=7"))
        assert not {"timeoutMS", "w", "maxPoolSize"} & options.keys()
        assert options["journal"] is True


class TestWatchingOptions:
    def test_nothing_limits_the_wait_even_if_the_uri_does(self) -> None:
        assert watching_options(MongoSettings(uri=f"{URI}&timeoutMS=9000"))["timeoutMS"] == 0


class TestHostsOf:
    def test_user_password_and_options_stay_out(self) -> None:
        assert hosts_of("mongodb://kehu:s3cret@a:1,b:2/db?authSource=x") == "a:1,b:2"
