"""The database that the settings name: a remote one, an embedded mongod, or memory."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from acts.recomputing import follow_built_in
from api.kms import kms_of
from api.settings import Settings, SettingsError
from catalogue.builtin import builtin_catalogue
from repositories.embedded import DirectoryInUse, EmbeddedMongod, running_uri
from repositories.files import FileOptions
from repositories.mongo import CommandTrace, MongoSettings, Store, connect
from repositories.repositories import Repositories, open_repositories


def mongo_settings(settings: Settings, uri: str) -> MongoSettings:
    """How the store is reached."""
    return MongoSettings(
        uri,
        settings.mongodb_driver,
        settings.database,
        timeout_seconds=settings.mongo_timeout_seconds,
        max_pool_size=settings.mongo_pool_connections,
    )


def is_embedded(settings: Settings) -> bool:
    """Whether Kehu brings its own mongod."""
    return not settings.mongodb_uri and settings.mongodb_driver != "memory"


def build_mongod(settings: Settings) -> EmbeddedMongod:
    """The embedded mongod of the data directory, not started yet."""
    return EmbeddedMongod(settings.data_dir, settings.embedded_cache_gb, settings.mongod)


@asynccontextmanager
async def database_uri(settings: Settings) -> AsyncIterator[str]:
    """The URI for a command besides the server: of the embedded mongod, the running one if a server has it.

    Raises: EmbeddedError.
    """
    if not is_embedded(settings):
        yield settings.mongodb_uri
        return
    # A command goes through the book in order and needs no large cache; an import stays under 300 MB in all.
    small = ("--wiredTigerEngineConfigString", "cache_size=32M")
    mongod = EmbeddedMongod(settings.data_dir, binary=settings.mongod, extra_arguments=small)
    try:
        uri = await mongod.start()
    except DirectoryInUse:
        yield running_uri(settings.data_dir)
        return
    try:
        yield uri
    finally:
        await mongod.stop()


async def open_book(settings: Settings, store: Store) -> Repositories:
    """The repositories, with indexes and validators as the catalogue wants them."""
    repositories = await look_into_book(settings, store)
    await repositories.prepare()
    return repositories


async def look_into_book(settings: Settings, store: Store) -> Repositories:
    """The repositories of a book as it stands: no index and no validator is made or dropped."""
    # Without a secret of its own the key of the cursors lives in the database, where every server finds it.
    repositories = await open_repositories(
        store,
        builtin_catalogue(),
        settings.cursor_secret.get_secret_value(),
        settings.group_age_limit_seconds,
        kms_of(settings),
    )
    repositories.clients.sort_limit_documents = settings.sort_limit_documents
    repositories.clients.past.limit_clients = settings.as_of_limit_clients
    repositories.approvals.open_days = settings.approval_days
    repositories.jobs.kept_days = settings.job_days
    repositories.files.options = file_options(settings)
    return repositories


def file_options(settings: Settings) -> FileOptions:
    """What the settings say of files."""
    return FileOptions(
        settings.files_dir or settings.data_dir / "files",
        settings.import_dir,
        settings.file_limit_bytes,
        settings.file_days,
        settings.file_address_minutes,
        settings.files_per_person,
        settings.export_limit_rows,
    )


async def open_served_book(settings: Settings, store: Store) -> Repositories:
    """The same for a server, with the indexes that its own settings ask for, and computed by the rules of its release.

    A command besides the server leaves that alone: it may run without the server's environment.
    """
    repositories = await open_book(settings, store)
    await follow_built_in(repositories)
    await repositories.clients.sync_facet_indexes(settings.wildcard_facets)
    return repositories


def require_book(settings: Settings) -> None:
    """Raises: SettingsError where no book is: a mistyped directory must not become a new one."""
    if is_embedded(settings) and not (settings.data_dir / "mongod").is_dir():
        raise SettingsError(
            f"The data directory (--data, KEHU_DATA_DIR): got {settings.data_dir.resolve()}, where no server has kept "
            "data; expected that of a server. `kehu serve` makes one; or name the database with KEHU_MONGODB_URI."
        )


@asynccontextmanager
async def open_repositories_of(
    settings: Settings, traces: Sequence[CommandTrace] = (), *, looks_only: bool = False
) -> AsyncIterator[Repositories]:
    """The book for one command of the command line; closed after use.

    A command that only looks changes no index: it may be of another version than the server.
    Raises: SettingsError for a command that only looks where nothing is to be seen.
    """
    if looks_only:
        require_book(settings)
    async with database_uri(settings) as uri:
        store = connect(mongo_settings(settings, uri), traces)
        try:
            await store.ping()
            yield await (look_into_book if looks_only else open_book)(settings, store)
        finally:
            await store.close()
