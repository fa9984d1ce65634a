"""Every setting in words, for `kehu serve --help` and the pages."""

from collections.abc import Mapping

from pydantic import SecretStr

from api.setting import PREFIX, expected_of, value_words, variable_of
from api.settings import Settings
from api.settings_limits import LimitSettings


def settings_help() -> str:
    """All settings as text: name, what it means, what is expected, default."""
    lines: list[str] = []
    fields = Settings.model_fields
    for name in sorted(fields, key=lambda name: name in LimitSettings.model_fields):
        field = fields[name]
        default = "" if isinstance(field.default, SecretStr) else value_words(field.default)
        lines += [variable_of(name), f"    {field.description}"]
        lines.append(f"    {expected_of(field)}; default: {default or 'nothing'}")
    return "\n".join(lines)


def unknown_settings(environment: Mapping[str, str]) -> list[str]:
    """KEHU_ variables that mean nothing, so that a slip of the pen can be warned of."""
    known = {variable_of(name) for name in Settings.model_fields}
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
