"""Every setting of Kehu: environment variables KEHU_..., checked once at the start, unit in the name."""

from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationError, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from api.setting import (
    PREFIX,
    checked_addresses,
    checked_origins,
    expected_of,
    setting,
    split_list,
    value_words,
    variable_of,
)
from api.settings_limits import LimitSettings
from catalogue.attribute import Facet

AuditMode = Literal["strict", "asynchronous", "off"]
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures by a key pair: whoever can check one cannot make one, so HS256 and none are not among them."""
_HIDDEN = frozenset({"mongodb_uri", "cursor_secret", "rate_limits_uri", "kms_credentials"})
_SHORTEST_SECRET_CHARACTERS = 32


class SettingsError(Exception):
    """The settings cannot be used; the message has one line for each bad one."""


class Settings(LimitSettings):
    """What can be set from outside; order here is the order in `kehu serve --help`, the limits last."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    environment: Literal["development", "production"] = setting(
        "development",
        "production switches the local token issuer off and asks for an identity provider",
        "development or production",
    )
    mongodb_uri: str = setting(
        "",
        "address of the MongoDB to use; empty: Kehu starts a mongod of its own in the data directory",
        "empty, or an address that starts with mongodb:// or mongodb+srv://",
        pattern=r"^$|^mongodb(\+srv)?://.+",
    )
    mongodb_driver: Literal["pymongo", "motor", "memory"] = setting(
        "pymongo",
        "pymongo (its async API), motor (no longer maintained), or memory (no database; lost at exit)",
        "pymongo, motor or memory",
    )
    database: str = setting(
        "kehu",
        "name of the database",
        "1 to 63 letters, digits, _ or -",
        pattern=r"^[A-Za-z0-9_-]{1,63}$",
    )
    # Beside the work, as .venv is, and not in the user's home: two checkouts must not share a mongod or a signing key.
    data_dir: Path = setting(
        Path(".kehu"), "directory of the embedded mongod, the signing key and a local master key", "a directory path"
    )
    host: str = setting("127.0.0.1", "address to listen on", "a host name or IP address", min_length=1)
    port: int = setting(8000, "port to listen on; 0: any free one", "a whole number from 0 to 65535", ge=0, le=65535)
    workers: int = setting(1, "server processes", "a whole number from 1 to 64", ge=1, le=64)
    demo: int | None = setting(
        None,
        "clients of the demonstration book loaded into an empty database;"
        " unset: 2000 with the embedded mongod, 200 in memory, none with KEHU_MONGODB_URI",
        "a whole number from 0 to 1000000, or nothing",
        ge=0,
        le=1_000_000,
    )
    mongo_timeout_seconds: float = setting(
        3.0, "longest wait for one database operation", "a number above 0, at most 600", gt=0, le=600
    )
    mongo_pool_connections: int = setting(
        50, "database connections a process may hold", "a whole number from 1 to 1000", ge=1, le=1000
    )
    mongod: Path | None = setting(
        None, "mongod to start where there is no mongodb_uri; unset: one on PATH, else the packaged one", "a file path"
    )
    embedded_cache_gb: float = setting(
        0.5, "memory cache of the embedded mongod", "a number from 0.25 to 1024", ge=0.25, le=1024
    )
    page_limit_rows: int = setting(
        200, "most rows that one page (first, last) may ask for", "a whole number from 1 to 10000", ge=1, le=10_000
    )
    group_age_limit_seconds: float = setting(
        2.0,
        "greatest age of a kept answer of clientGroups while clients change; 0: every question reads the database",
        "a number from 0 to 3600",
        ge=0,
        le=3600,
    )
    approval_days: int = setting(
        14, "how long an approval waits for a decision before it expires", "a whole number from 1 to 365", ge=1, le=365
    )
    sort_limit_documents: int = setting(
        10_000,
        "most documents that are sorted for an order which no index serves",
        "a whole number from 0 to 10000000",
        ge=0,
        le=10_000_000,
    )
    as_of_limit_clients: int = setting(
        10_000,
        "most clients changed since a moment as of which a page or a count is asked for",
        "a whole number from 0 to 10000000",
        ge=0,
        le=10_000_000,
    )
    wildcard_facets: Annotated[tuple[Facet, ...], NoDecode, BeforeValidator(split_list)] = setting(
        (),
        "facets with one index over all their attributes, the same on every server:"
        " filters no longer scan the book, writes cost more; comma-separated",
        f"some of {', '.join(Facet)}, comma-separated",
    )
    allowed_origins: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(split_list), AfterValidator(checked_origins)
    ] = setting(
        (),
        "web origins, besides Kehu's own, whose pages may call it; comma-separated",
        "origins such as https://crm.example.com, comma-separated",
    )
    cursor_secret: SecretStr = setting(
        SecretStr(""),
        "key that signs page cursors, the same on every server; empty: one kept in the database",
        "empty, or at least 32 characters",
    )
    audit: AuditMode | None = setting(
        None,
        "strict: an answer leaves when its entry is written; asynchronous: the entry follows; off: no entries;"
        " unset: strict in production, asynchronous in development",
        "strict, asynchronous, off, or nothing",
    )
    audit_heads: Path | None = setting(
        None,
        "file outside the database with the signed ends of the audit's chains;"
        " unset: audit-heads.jsonl in the data directory",
        "a file path",
    )
    kms: Literal["local", "aws", "azure", "gcp", "kmip"] = setting(
        "local",
        "keeper of the master key of RESTRICTED values; local: master.key in the data directory, one for all servers",
        "local, aws, azure, gcp or kmip",
    )
    kms_credentials: SecretStr = setting(
        SecretStr(""), "how the service knows Kehu, in MongoDB's words; empty: its machine", "a JSON object, or nothing"
    )
    kms_master_key: str = setting(
        "", "which key of the service wraps new data keys, in MongoDB's words", "a JSON object; empty for local"
    )
    kms_ca_file: Path | None = setting(None, "what the service is trusted by; unset: the system's", "a file path")
    kms_certificate_file: Path | None = setting(None, "certificate and key shown to the service", "a file path")
    kms_local_in_production: bool = setting(False, "allows a local master key in production", "true or false")
    jobs: Literal["inside", "none"] = setting(
        "inside",
        "who works jobs off: inside: kehu serve too, in a process beside it; none: only kehu worker",
        "inside or none",
    )
    job_slots: int = setting(2, "jobs that one worker does at once", "a whole number from 1 to 64", ge=1, le=64)
    job_days: int = setting(30, "how long finished jobs are kept", "a whole number from 1 to 3650", ge=1, le=3650)
    files_dir: Path | None = setting(
        None,
        "directory of files that people send and fetch, the same for all servers and workers; unset: files in the data"
        " directory",
        "a directory path",
    )
    file_limit_bytes: int = setting(
        100_000_000,
        "largest file that is sent",
        "a whole number from 1000 to 10000000000",
        ge=1000,
        le=10_000_000_000,
    )
    file_days: int = setting(7, "how long files are kept", "a whole number from 1 to 365", ge=1, le=365)
    file_address_minutes: int = setting(
        15, "how long the address of a file lets somebody in", "a whole number from 1 to 1440", ge=1, le=1440
    )
    files_per_person: int = setting(
        50, "files that one person may have at a time", "a whole number from 1 to 10000", ge=1, le=10_000
    )
    import_dir: Path | None = setting(
        None, "directory whose files may be imported without being sent; unset: none", "a directory path"
    )
    export_limit_rows: int = setting(
        200_000, "most clients of one export", "a whole number from 1 to 100000000", ge=1, le=100_000_000
    )
    log_level: Literal["debug", "info", "warning", "error"] = setting(
        "warning", "how much is logged, on standard error", "debug, info, warning or error"
    )
    oidc_issuer: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(split_list), AfterValidator(checked_addresses)
    ] = setting(
        (),
        "identity providers whose tokens are taken, as their tokens name them; comma-separated",
        "https addresses, comma-separated; http on this machine alone",
    )
    oidc_audience: Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_list)] = setting(
        (),
        "what the tokens for Kehu name as their audience: one for all issuers, or one for each; comma-separated",
        "texts, comma-separated",
    )
    oidc_jwks_uri: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(split_list), AfterValidator(checked_addresses)
    ] = setting(
        (),
        "where the keys of each issuer are; unset: where its /.well-known/openid-configuration says",
        "https addresses, comma-separated; http on this machine alone",
    )
    oidc_algorithms: Annotated[tuple[Algorithm, ...], NoDecode, BeforeValidator(split_list)] = setting(
        ("RS256", "PS256", "ES256"),
        "signatures that are taken; comma-separated",
        f"some of {', '.join(get_args(Algorithm))}, comma-separated",
        min_length=1,
    )
    oidc_person_claim: str = setting(
        "sub",
        "the claim that names the person as Kehu's directory of managers does",
        "the name of a claim, such as sub, email or preferred_username",
        pattern=r"^[A-Za-z0-9_.:/-]{1,100}$",
    )
    token_minutes: int = setting(
        480, "life of a token of the local issuer", "a whole number from 1 to 43200", ge=1, le=43_200
    )

    @property
    def audit_mode(self) -> AuditMode:
        """The audit that is meant."""
        return self.audit or ("strict" if self.environment == "production" else "asynchronous")

    @field_validator("cursor_secret")
    @classmethod
    def _check_secret(cls, given: SecretStr) -> SecretStr:
        if 0 < len(given.get_secret_value()) < _SHORTEST_SECRET_CHARACTERS:
            raise ValueError("too short")
        return given


def load_settings(**given: object) -> Settings:
    """The settings: what is given here and not None first, then the environment, then the defaults.

    Raises: SettingsError naming each bad variable, what was given and what is expected.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        return Settings(**chosen)  # type: ignore[arg-type]
    except ValidationError as problem:
        lines = dict.fromkeys(_complaint(str(each["loc"][0]), each["input"]) for each in problem.errors())
        raise SettingsError("\n".join(lines)) from None


def _complaint(name: str, given: object) -> str:
    field = Settings.model_fields[name]
    shown = "a value that is not shown here" if name in _HIDDEN else f'"{value_words(given)}"'
    return f"{variable_of(name)}: got {shown}; expected {expected_of(field)}."
