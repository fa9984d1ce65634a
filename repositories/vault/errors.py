"""What goes wrong with keys."""

from repositories.errors import Unavailable


class VaultAway(Unavailable):
    """The key of a RESTRICTED value cannot be had: such values are not written, and not shown."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(
            message
            or "The keys of RESTRICTED values cannot be had now, so such values are neither written nor looked up. "
            "Send the request again with the same idempotency key, or without them."
        )
