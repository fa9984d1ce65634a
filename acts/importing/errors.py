"""What goes wrong with an import as a whole, and with one cell of it."""

from catalogue.errors import ErrorCode, KehuError


class ImportRefused(KehuError):
    """The file or its map cannot be used; nothing was written."""

    code = ErrorCode.INVALID_VALUE


class Unreadable(ValueError):
    """A cell does not hold what its attribute takes; the text is the reason."""
