"""Text as search sees it: folded, and cut into grams that an index can hold."""

from collections.abc import Iterator, Mapping
from unicodedata import normalize

from catalogue.attribute import CLIENTS, Attribute
from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind

WIDE_GRAM = 2
NARROW_GRAM = 3
_WIDE_FROM = "\u2e80"
"""From here on a sign is a syllable or a word: two of them say as much as three letters."""


def folded(text: str) -> str:
    """The text without differences that a reader overlooks: case, width, compatibility forms, runs of spaces."""
    return " ".join(normalize("NFKC", normalize("NFKC", text).casefold()).split())


def grams_of(text: str) -> list[str]:
    """The grams of a folded text: at each place the two or three signs that begin there, fewer at the end.

    Order: sorted, each once.
    """
    return sorted({text[at : at + _length(sign)] for at, sign in enumerate(text) if sign != " "})


def wanted_grams(text: str) -> list[str]:
    """The grams that every text must have which contains a folded one; empty where it is shorter than a gram."""
    return sorted(
        {
            text[at : at + _length(sign)]
            for at, sign in enumerate(text)
            if sign != " " and at + _length(sign) <= len(text)
        }
    )


def _length(sign: str) -> int:
    return WIDE_GRAM if sign >= _WIDE_FROM else NARROW_GRAM


def searchable_words(catalogue: Catalogue, values: Mapping[str, object]) -> dict[str, str | None]:
    """The folded text of each given value that search looks into, by path; None for one that is cleared."""
    words: dict[str, str | None] = {}
    for path, value in values.items():
        attribute = catalogue.find(path, CLIENTS)
        if attribute is None or not is_searched(catalogue, attribute):
            continue
        text = "\n".join(dict.fromkeys(folded(each) for each in texts_in(catalogue, attribute, value)))
        words[path] = text or None
    return words


def is_searched(catalogue: Catalogue, attribute: Attribute) -> bool:
    """Whether search looks into a value: it is searchable itself, or a list of groups in which something is."""
    if attribute.kind is not Kind.GROUP:
        # What is encrypted must not stand among the words in clear, whatever an old definition says.
        return attribute.is_searchable and not catalogue.is_restricted(attribute)
    return attribute.is_list and any(is_searched(catalogue, each) for each in catalogue.children(attribute.path))


def searched_paths(catalogue: Catalogue) -> tuple[str, ...]:
    """The paths of the values that search looks into, in order."""
    return tuple(
        each.path
        for each in catalogue.area(CLIENTS).values()
        if catalogue.is_live(each) and catalogue.list_group_of(each) is None and is_searched(catalogue, each)
    )


def texts_in(catalogue: Catalogue, attribute: Attribute, value: object) -> Iterator[str]:
    """The texts of a value, those of the searchable attributes in a list of groups too."""
    if value is None:
        return
    if isinstance(value, list | tuple):
        for each in value:
            yield from texts_in(catalogue, attribute, each)
    elif isinstance(value, Mapping):
        for each in catalogue.children(attribute.path):
            if is_searched(catalogue, each):
                yield from texts_in(catalogue, each, value.get(each.key))
    elif isinstance(value, str):
        yield value
