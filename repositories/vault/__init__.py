"""RESTRICTED values: encrypted with a data key for each client, whose master key a key management service has."""

from repositories.vault.keys import KEYS
from repositories.vault.kms import LOCAL_KEY_BYTES, PROVIDERS, Kms, local_kms
from repositories.vault.vault import ERASURES, KEY_CACHE_SECONDS, Vault

__all__ = ["ERASURES", "KEYS", "KEY_CACHE_SECONDS", "LOCAL_KEY_BYTES", "PROVIDERS", "Kms", "Vault", "local_kms"]
