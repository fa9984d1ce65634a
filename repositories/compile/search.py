"""Search in MongoDB's words: what a record is found by, the query that finds it, and how well it is met.

A record keeps, for each searched path, its folded text and the grams of it; one index holds the grams. A query narrows
by the grams and then looks for the text itself, which is escaped: no expression of the user's is ever run.
"""

import re
from collections.abc import Mapping

from catalogue.filters import Search
from catalogue.search import grams_of, wanted_grams

Query = dict[str, object]

RANK = "rank"
"""The field in which a ranked read carries how well a record meets the search."""


def words_of(words: Mapping[str, str | None]) -> list[Query]:
    """The words as a record keeps them.

    Shape: [{"p": path, "t": folded text, "g": grams}].
    """
    return [{"p": path, "t": text, "g": grams_of(text)} for path, text in words.items() if text is not None]


def words_expression(words: Mapping[str, str | None]) -> Query:
    """The record's words with those of some paths replaced."""
    # mongomock takes every $not of an expression for false; comparing with false says the same.
    others = {"$eq": [{"$in": ["$$word.p", sorted(words)]}, False]}
    kept = {"$filter": {"input": {"$ifNull": ["$words", []]}, "as": "word", "cond": others}}
    return {"$concatArrays": [kept, {"$literal": words_of(words)}]}


def search_query(search: Search) -> Query:
    """The query for records in which the text stands at one of the paths."""
    grams = wanted_grams(search.text)
    conditions: Query = {"p": {"$in": list(search.paths)}, "t": {"$regex": re.escape(search.text)}}
    # Shorter than a gram: every gram that begins with it will do, and a gram begins at each place of a text.
    conditions["g"] = {"$all": grams} if grams else {"$regex": f"^{re.escape(search.text)}"}
    return {"words": {"$elemMatch": conditions}}


def rank_expression(search: Search) -> Query:
    """How well a record meets a search: 4 the whole text, 3 its beginning, 2 the beginning of a word, 1 anywhere."""
    text = re.escape(search.text)
    marks = ((f"(^|\\n){text}($|\\n)", 4), (f"(^|\\n){text}", 3), (f"\\s{text}", 2), (text, 1))
    branches = [{"case": _matches(pattern), "then": mark} for pattern, mark in marks]
    of_word = {"$switch": {"branches": branches, "default": 0}}
    visible = {"$cond": [{"$in": ["$$word.p", list(search.paths)]}, of_word, 0]}
    return {"$max": {"$map": {"input": "$words", "as": "word", "in": visible}}}


def _matches(pattern: str) -> Query:
    return {"$regexMatch": {"input": "$$word.t", "regex": {"$literal": pattern}}}
