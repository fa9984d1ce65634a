"""The models that come with Kehu, as files beside this one."""

from pathlib import Path

FOLDER = Path(__file__).parent / "trained"
SUFFIX = ".onnx"


def shipped_names() -> tuple[str, ...]:
    """Names of the shipped models, in the order of the alphabet."""
    return tuple(sorted(each.stem for each in FOLDER.glob(f"*{SUFFIX}")))


def read_shipped(name: str) -> bytes | None:
    """The file of a shipped model, or None; a name is compared with the list, so it is never a path."""
    return (FOLDER / f"{name}{SUFFIX}").read_bytes() if name in shipped_names() else None
