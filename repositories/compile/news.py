"""What of a change is news: the database compares what is given with what a record has, within the command itself."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b

from repositories.plan import Change, Proof

Stage = dict[str, object]

NEWS = "news_"
"""Where a pipeline keeps the rows of what is news, until it ends; no document is stored with it."""
IS_NEWS: Stage = {"$ne": [f"${NEWS}", []]}
ANSWERED = "answered"
"""In a record: the keys of requests that had nothing new for it, so that none of them has when it comes again."""
ANSWERED_KEPT = 20
_PATHS = f"${NEWS}.path"


def is_conditional(change: Change) -> bool:
    """Whether the database has to say what of a change is news."""
    return change.is_compared and not (change.values and change.values.keys() <= change.unread)


def news_stage(
    change: Change, rows: Mapping[str, Stage], given: Mapping[str, object], keys: Mapping[str, str]
) -> Stage:
    """The stage that keeps the rows of those values that are others, or that a proof says more of.

    Shape: `rows` and `keys` (the names of proofs) by path; `given` has the values that are set.
    """
    kept = [
        row if path in change.unread else {"$cond": [_is_other(change, path, given, keys[path]), row, None]}
        for path, row in rows.items()
    ]
    return {"$set": {NEWS: {"$filter": {"input": kept, "as": "row", "cond": {"$ne": ["$$row", None]}}}}}


def only_news(change: Change, assigned: Mapping[str, object], paths: Mapping[str, str]) -> Stage:
    """Assignments that leave all as it is where nothing is news; `paths` says which value each is about, if any."""
    found: Stage = {}
    for name, value in assigned.items():
        path = paths.get(name)
        if path not in change.unread:
            is_set = IS_NEWS if path is None else {"$in": [{"$literal": path}, _PATHS]}
            found[name] = {"$cond": [is_set, value, {"$ifNull": [f"${name}", "$$REMOVE"]}]}
        else:
            found[name] = value
    return found


def answered(change: Change) -> Stage:
    """The assignment that keeps the key of a request that had nothing new."""
    if change.key is None:
        return {}
    entry = {"key": {"$literal": change.key}, "hash": {"$literal": change.request_hash}}
    known: Stage = {"$ifNull": [f"${ANSWERED}", []]}
    kept = {"$slice": [{"$concatArrays": [known, [entry]]}, -ANSWERED_KEPT]}
    return {ANSWERED: {"$cond": [IS_NEWS, {"$ifNull": [f"${ANSWERED}", "$$REMOVE"]}, kept]}}


def _is_other(change: Change, path: str, given: Mapping[str, object], key: str) -> object:
    present: Stage = {"$ifNull": [f"${path}", None]}
    if path not in given:
        return {"$ne": [present, None]}
    is_other: Stage = {"$ne": [present, {"$literal": given[path]}]}
    more = _says_more(change.proof, key) if change.confirms else []
    return {"$or": [is_other, *more]} if more else is_other


def _says_more(proof: Proof, key: str) -> list[Stage]:
    """The condition that a proof says more than the one that is known; none where it can say nothing."""

    def known(name: str) -> Stage:
        own = {"$ifNull": [f"$proof.{key}.v", None]}
        return {"$cond": [{"$ne": [own, None]}, f"$proof.{key}.{name}", f"$proof.first.{name}"]}

    marks = proof_marks(proof).items()
    differs: Stage = {"$or": [{"$ne": [{"$ifNull": [known(name), None]}, {"$literal": mark}]} for name, mark in marks]}
    if proof.observed_at is None:
        return [differs] if marks else []
    seen = {"$literal": proof.observed_at}
    later: Stage = {"$gt": [seen, known("o")]}
    return [{"$or": [later, {"$and": [{"$eq": [seen, known("o")]}, differs]}]}] if marks else [later]


def says_more(stored: Mapping[str, object], proof: Proof) -> bool:
    """The same of a stored proof that was read: whether another one says more."""
    marks = proof_marks(proof)
    differs = any(stored.get(name) != mark for name, mark in marks.items())
    seen = stored.get("o")
    if proof.observed_at is None or seen is None:
        return differs
    return proof.observed_at > seen or (proof.observed_at == seen and differs)  # type: ignore[operator]


def proof_marks(proof: Proof) -> dict[str, object]:
    """What a record keeps of a value's proof, besides the change and the date, to know the same one again."""
    texts: Sequence[tuple[str, str | None]] = (("s", proof.source), ("b", proof.observer))
    marks: dict[str, object] = {name: _mark(text) for name, text in texts if text is not None}
    return marks if proof.confidence is None else {**marks, "c": float(proof.confidence)}


def _mark(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).digest()) >> 1
