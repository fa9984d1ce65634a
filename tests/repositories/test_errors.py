"""What comes out of the door for each kind of driver error."""

import pytest
from bson.errors import InvalidDocument
from pymongo.errors import (
    AutoReconnect,
    DuplicateKeyError,
    ExecutionTimeout,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WriteError,
    WTimeoutError,
)
from pymongo.errors import DocumentTooLarge as DriverDocumentTooLarge

from repositories.errors import (
    AlreadyExists,
    BadCursor,
    DocumentTooLarge,
    FeedLost,
    KeyReused,
    NotFound,
    NotSupported,
    RepositoryError,
    RepositoryFault,
    StaleVersion,
    Unavailable,
    UnindexedOrder,
    door,
)

HOST = "db7.bank.internal:27017"


def through_door(error: BaseException) -> RepositoryError:
    with pytest.raises(RepositoryError) as caught, door():
        raise error
    assert caught.value.__cause__ is error
    return caught.value


class TestDoor:
    @pytest.mark.parametrize(
        "error",
        [
            AutoReconnect(HOST),
            NetworkTimeout(HOST),
            NotPrimaryError(HOST),
            ServerSelectionTimeoutError(HOST),
            WaitQueueTimeoutError(HOST),
            ExecutionTimeout(HOST, 50),
            WTimeoutError(HOST, 64),
            OperationFailure(HOST, 11600),
            OperationFailure(HOST, 10107),
            OperationFailure(HOST, 112),
        ],
    )
    def test_a_database_that_does_not_answer_is_unavailable_and_its_host_is_not_named(
        self, error: PyMongoError
    ) -> None:
        ours = through_door(error)
        assert (type(ours), ours.code) == (Unavailable, "UNAVAILABLE")
        assert HOST not in ours.message

    def test_a_taken_key_names_field_and_value(self) -> None:
        ours = through_door(
            DuplicateKeyError("E11000", 11000, {"keyPattern": {"number": 1}, "keyValue": {"number": "C-1"}})
        )
        assert isinstance(ours, AlreadyExists)
        assert (ours.code, ours.field, ours.value) == ("ALREADY_EXISTS", "number", "C-1")
        assert ours.message.startswith('number "C-1" is taken already.')

    def test_a_taken_compound_key_names_all_fields(self) -> None:
        ours = through_door(DuplicateKeyError("E11000", 11000, {"keyValue": {"area": "clients", "key": "k"}}))
        assert isinstance(ours, AlreadyExists)
        assert (ours.field, ours.value) == ("area+key", ["clients", "k"])

    @pytest.mark.parametrize("error", [DriverDocumentTooLarge("17 MB"), WriteError("too large", 17419)])
    def test_a_document_that_is_too_large(self, error: Exception) -> None:
        assert isinstance(through_door(error), DocumentTooLarge)

    def test_a_resume_token_that_is_too_old(self) -> None:
        assert isinstance(through_door(OperationFailure("history lost", 286)), FeedLost)

    @pytest.mark.parametrize(
        "error",
        [OperationFailure(f"unknown operator $x at {HOST}", 2), PyMongoError(HOST), InvalidDocument(HOST)],
    )
    def test_anything_else_of_the_driver_is_our_fault_without_its_words(self, error: Exception) -> None:
        ours = through_door(error)
        assert (type(ours), ours.code) == (RepositoryFault, "INTERNAL")
        assert HOST not in ours.message

    def test_what_the_mock_lacks_is_not_supported(self) -> None:
        assert isinstance(through_door(NotImplementedError("$text")), NotSupported)

    def test_other_errors_pass_as_they_are(self) -> None:
        with pytest.raises(KeyError), door():
            raise KeyError("x")

    def test_our_own_errors_pass_as_they_are(self) -> None:
        with pytest.raises(NotFound) as caught, door():
            raise NotFound("client", "x")
        assert caught.value.__cause__ is None


class TestRepositoryError:
    @pytest.mark.parametrize(
        ("error", "code", "said"),
        [
            (NotFound("client", "x1"), "NOT_FOUND", 'no client "x1"'),
            (NotFound("file", ""), "NOT_FOUND", "An empty text names no file; send its id."),
            (StaleVersion("client", 3, 5), "STALE_VERSION", "since version 3 and is now at version 5"),
            (StaleVersion("client", None), "STALE_VERSION", "since it was read"),
            (KeyReused("k-1"), "KEY_REUSED", 'key "k-1" was used'),
            (KeyReused(), "KEY_REUSED", "The idempotency key was used"),
            (BadCursor(), "BAD_CURSOR", "not made by this server"),
            (UnindexedOrder("employees cannot be sorted by."), "ORDER_NOT_INDEXED", "employees"),
        ],
    )
    def test_says_what_was_given(self, error: RepositoryError, code: str, said: str) -> None:
        assert error.code == code
        assert said in error.message
        assert str(error) == error.message
