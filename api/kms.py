"""The key management service that the settings name."""

import json
import ssl
from collections.abc import Callable
from functools import partial
from secrets import token_bytes
from typing import Any

from api.setting import variable_of
from api.settings import Settings, SettingsError
from api.tokens import secret_in
from repositories.vault import LOCAL_KEY_BYTES, Kms, local_kms

MASTER_KEY_FILE = "master.key"


def kms_of(settings: Settings) -> Callable[[], Kms]:
    """What gives the service, at first need of a key: a local master key is made then.

    Raises: SettingsError for settings that cannot be right.
    """
    if settings.kms != "local":
        remote = _remote_kms(settings)
        return lambda: remote
    if settings.environment == "production" and not settings.kms_local_in_production:
        raise SettingsError(
            "KEHU_KMS: got local in production, where a copy of the data directory would open every RESTRICTED value; "
            "expected aws, azure, gcp or kmip, or KEHU_KMS_LOCAL_IN_PRODUCTION=true if the directory is guarded."
        )
    if settings.mongodb_driver == "memory":
        # What it protects is gone when the process ends, and so is the key.
        return partial(local_kms, token_bytes(LOCAL_KEY_BYTES))
    return lambda: local_kms(secret_in(settings.data_dir, MASTER_KEY_FILE, LOCAL_KEY_BYTES))


def _remote_kms(settings: Settings) -> Kms:
    credentials = _object(settings.kms_credentials.get_secret_value(), "kms_credentials", is_secret=True)
    master_key = _object(settings.kms_master_key, "kms_master_key")
    if not master_key and settings.kms != "kmip":
        raise SettingsError(
            f"KEHU_KMS_MASTER_KEY: got nothing with KEHU_KMS={settings.kms}; expected the name of the master key as a "
            "JSON object, as MongoDB's drivers take it."
        )
    also: dict[str, dict[str, Any]] = {}
    if (settings.data_dir / MASTER_KEY_FILE).exists():
        # What a local key has wrapped stays readable until `kehu privacy rotate` has wrapped it anew.
        also["local"] = {"key": secret_in(settings.data_dir, MASTER_KEY_FILE, LOCAL_KEY_BYTES)}
    return Kms(settings.kms, credentials, master_key or None, _tls(settings), settings.mongo_timeout_seconds, also)


def _object(text: str, name: str, *, is_secret: bool = False) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        shown = "a value that is not shown here" if is_secret else f'"{text}"'
        raise SettingsError(f"{variable_of(name)}: got {shown}; expected a JSON object.")
    return found


def _tls(settings: Settings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.kms_ca_file)
        if settings.kms_certificate_file is not None:
            context.load_cert_chain(settings.kms_certificate_file)
    except (OSError, ssl.SSLError) as error:
        files = f"{settings.kms_ca_file}, {settings.kms_certificate_file}"
        raise SettingsError(f"KEHU_KMS_CA_FILE, KEHU_KMS_CERTIFICATE_FILE: got {files}; {error}.") from None
    return context
