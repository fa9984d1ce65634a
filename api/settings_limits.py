"""Settings that bound what one request, one person and one process may take."""

from typing import Literal

from pydantic_settings import BaseSettings

from api.setting import setting


class LimitSettings(BaseSettings):
    """What is refused, and when."""

    body_limit_bytes: int = setting(
        1_000_000, "largest request body", "a whole number from 1000 to 100000000", ge=1000, le=100_000_000
    )
    bulk_body_limit_bytes: int = setting(
        4_000_000,
        "largest request body of a bulk mutation (clientsUpsert, modelRegister)",
        "a whole number from 1000 to 100000000",
        ge=1000,
        le=100_000_000,
    )
    json_limit_levels: int = setting(64, "deepest nesting of a JSON body", "a whole number from 4 to 500", ge=4, le=500)
    document_limit_tokens: int = setting(
        1000, "longest GraphQL document, in lexical tokens", "a whole number from 100 to 100000", ge=100, le=100_000
    )
    document_limit_characters: int = setting(
        50_000, "longest GraphQL document", "a whole number from 1000 to 10000000", ge=1000, le=10_000_000
    )
    document_limit_depth: int = setting(
        10, "deepest selection of a document, introspection aside", "a whole number from 1 to 100", ge=1, le=100
    )
    document_limit_aliases: int = setting(
        15, "most aliases in a document", "a whole number from 0 to 10000", ge=0, le=10_000
    )
    document_limit_root_fields: int = setting(
        10, "most root fields of an operation", "a whole number from 1 to 1000", ge=1, le=1000
    )
    document_limit_directives: int = setting(
        50, "most directives in a document", "a whole number from 0 to 10000", ge=0, le=10_000
    )
    document_limit_fields: int = setting(
        2_000,
        "most fields of an operation, its fragments written out",
        "a whole number from 10 to 1000000",
        ge=10,
        le=1_000_000,
    )
    document_cache_entries: int = setting(
        500, "checked GraphQL documents kept for each edition", "a whole number from 0 to 100000", ge=0, le=100_000
    )
    cost_limit: int = setting(
        5_000,
        "most that one operation may cost: documents, and a hundredth for each leaf",
        "a whole number from 1 to 1000000000",
        ge=1,
        le=1_000_000_000,
    )
    cost_per_minute: int = setting(
        200_000,
        "most that the operations of one person may cost in a minute; 0: no limit",
        "a whole number from 0 to 1000000000",
        ge=0,
        le=1_000_000_000,
    )
    restricted_values_per_minute: int = setting(
        30,
        "RESTRICTED values that one person may read in a minute; 0: no limit",
        "a whole number from 0 to 1000000",
        ge=0,
        le=1_000_000,
    )
    missed_lookups_per_minute: int = setting(
        300,
        "look-ups by id or number of one person that may find nothing in a minute; 0: no limit",
        "a whole number from 0 to 1000000",
        ge=0,
        le=1_000_000,
    )
    rate_limits_uri: str = setting(
        "async+memory://",
        "where the counts of a minute are kept: in each process, or shared by all servers",
        "async+memory://, async+mongodb://..., or async+redis://... with the package coredis",
        pattern=r"^async\+(memory|mongodb|mongodb\+srv|redis|rediss)://.*$",
    )
    operation_seconds: float = setting(
        5.0, "longest run of a query or mutation", "a number above 0, at most 3600", gt=0, le=3600
    )
    bulk_operation_seconds: float = setting(
        60.0,
        "longest run of a bulk mutation (clientsUpsert, modelRegister, and those that define attributes)",
        "a number above 0, at most 3600",
        gt=0,
        le=3600,
    )
    interactive_operations: int = setting(
        32, "queries and mutations that a process works on at once", "a whole number from 1 to 10000", ge=1, le=10_000
    )
    bulk_operations: int = setting(
        4, "bulk mutations that a process works on at once", "a whole number from 1 to 1000", ge=1, le=1000
    )
    stream_operations: int = setting(
        500, "subscriptions that a process has open at once", "a whole number from 1 to 100000", ge=1, le=100_000
    )
    waiting_operations: int = setting(
        500,
        "operations of each class that may wait for their turn in a burst; in lasting overload it is a few",
        "a whole number from 0 to 10000",
        ge=0,
        le=10_000,
    )
    waiting_seconds: float = setting(
        1.0, "longest wait of an operation for its turn", "a number above 0, at most 60", gt=0, le=60
    )
    request_read_seconds: float = setting(
        10.0,
        "longest wait for the headers, and for the body, of a request",
        "a number above 0, at most 600",
        gt=0,
        le=600,
    )
    trusted_documents: Literal["off", "log", "enforce", "id-only"] = setting(
        "off",
        "what becomes of GraphQL documents that are not registered: off runs them, log runs and logs them, enforce"
        " refuses them, id-only refuses all texts",
        "off, log, enforce or id-only",
    )
    sockets_per_person: int = setting(
        5, "websockets one person may have open with a process", "a whole number from 1 to 10000", ge=1, le=10_000
    )
    unread_answers_per_person: int = setting(
        16,
        "answers one person may have on the way from a process, not read yet; more is refused",
        "a whole number from 1 to 10000",
        ge=1,
        le=10_000,
    )
    uploads: int = setting(8, "files a process takes in at once", "a whole number from 1 to 1000", ge=1, le=1_000)
    uploads_per_person: int = setting(
        2, "files one person may send to a process at once", "a whole number from 1 to 1000", ge=1, le=1_000
    )
    upload_seconds: float = setting(
        1_800.0, "longest time that one file may take to come", "a number above 0, at most 86400", gt=0, le=86_400
    )
    socket_init_seconds: float = setting(
        3.0, "longest wait for the first message of a websocket", "a number above 0, at most 60", gt=0, le=60
    )
    socket_operations: int = setting(
        20, "operations one websocket may have open", "a whole number from 1 to 1000", ge=1, le=1000
    )
    stream_heartbeat_seconds: float = setting(
        5.0,
        "pause after which an open stream is checked for an expired token and kept alive",
        "a number above 0, at most 60",
        gt=0,
        le=60,
    )
