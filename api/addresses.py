"""Addresses that secrets and keys may travel to and from."""

from urllib.parse import urlsplit

LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))


def is_safe_address(uri: str) -> bool:
    """Whether keys may come from there: by https, or from this machine."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError:
        return False
    if not host or parts.username or parts.password or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
