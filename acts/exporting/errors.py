"""What goes wrong with an export as a whole."""

from catalogue.errors import ErrorCode, KehuError


class ExportRefused(KehuError):
    """The clients cannot be written as they were asked for."""

    code = ErrorCode.INVALID_VALUE
