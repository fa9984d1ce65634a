"""What hangs on what: the formulas of a catalogue, in the order in which they are computed."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from catalogue.attribute import CLIENTS, Attribute, Sensitivity
from catalogue.catalogue import Catalogue
from catalogue.errors import ErrorCode, Problem
from catalogue.formulas.text import reads_of

_SECRECY = list(Sensitivity)


class FormulaGraph:
    """The live attributes with a formula or a model, and what they read; formulas alone are computed with a change."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        rows = catalogue.area(CLIENTS).values()
        self.formulas = {each.path: each for each in rows if is_computed(each) and catalogue.is_live(each)}
        self._inputs = {path: _inputs(catalogue, each) for path, each in self.formulas.items()}
        self.models = {each.path: each for each in rows if each.model is not None and catalogue.is_live(each)}
        scored = {path: each.model.paths for path, each in self.models.items() if each.model is not None}
        self._reads = {**self._inputs, **scored}
        self.levels = _levels(self._inputs)
        """The path of each formula that stands in no circle, with how many others have to be computed before it."""
        self.timed = self._timed()
        """Paths whose values change as time goes by."""
        self._users: dict[str, set[str]] = {}
        self._readers: dict[str, set[str]] = {}
        for path, inputs in self._inputs.items():
            for each in inputs:
                self._users.setdefault(self._holder(each), set()).add(path)
        for path, inputs in self._reads.items():
            for each in inputs:
                words = each.split(".")
                for count in range(len(words)):
                    self._readers.setdefault(".".join(words[: count + 1]), set()).add(path)

    def inputs(self, path: str) -> frozenset[str]:
        """The paths that the formula or the model of an attribute reads; while a formula is changed, those of both."""
        return self._reads.get(path, frozenset())

    def users(self, path: str) -> list[str]:
        """The attributes whose formulas or models read the attribute, or something in it."""
        return sorted(self._readers.get(path, ()))

    def hanging_on(self, changed: Iterable[str]) -> list[str]:
        """The attributes to be computed anew when the values at some paths change.

        Order: what is read comes before what reads it.
        Cost: a look-up for each path where no formula reads it.
        """
        waiting = list(changed)
        found: set[str] = set()
        while waiting:
            users = self._users.get(waiting.pop(), ())
            waiting += [each for each in users if each not in found]
            found.update(users)
        return self.ordered(found)

    def ordered(self, paths: Iterable[str]) -> list[str]:
        """The paths in the order in which they are computed."""
        return sorted((each for each in paths if each in self.levels), key=lambda each: (self.levels[each], each))

    def circle_of(self, path: str) -> list[str] | None:
        """A way from an attribute through formulas and models back to itself; None if there is none."""
        return _way(self._reads, path, path, set())

    def _holder(self, path: str) -> str:
        """The path that a change names for what is read: lists of groups are changed as a whole."""
        attribute = self._catalogue.find(path)
        outer = None if attribute is None else self._catalogue.list_group_of(attribute)
        return path if outer is None else outer.path

    def _timed(self) -> frozenset[str]:
        found: set[str] = set()
        for path in self.ordered(self.formulas):
            texts = texts_of(self.formulas[path])
            if any(reads_of(each).is_timed for each in texts) or not found.isdisjoint(self._inputs[path]):
                found.add(path)
        return frozenset(found)


@lru_cache(maxsize=8)
def graph_of(catalogue: Catalogue) -> FormulaGraph:
    """The formulas of a catalogue; worked out once."""
    return FormulaGraph(catalogue)


def is_computed(attribute: Attribute) -> bool:
    """Whether the values of an attribute come from a formula."""
    return attribute.formula is not None


def texts_of(attribute: Attribute) -> list[str]:
    """The formula of an attribute, and the one that its values still follow."""
    return [each for each in (attribute.formula, attribute.formula_before) if each is not None]


def input_paths(catalogue: Catalogue, text: str) -> frozenset[str]:
    """The attributes and core fields that a formula reads, whatever has become of them."""
    reads = reads_of(text)
    found = set(reads.paths)
    for path in reads.paths:
        attribute = catalogue.find(path)
        if attribute is not None and attribute.is_list:
            found.update(inner for each in reads.fields if catalogue.find(inner := f"{path}.{each}") is not None)
    return frozenset(found)


def sensitivity_of(catalogue: Catalogue, attribute: Attribute) -> Sensitivity:
    """The level of an attribute: at least that of what it stands in, and of what it was ever computed from."""
    return _level(catalogue, attribute, frozenset())


def level_problems(
    catalogue: Catalogue, attribute: Attribute, inputs: Iterable[Attribute], code: ErrorCode, reads: str = "reads"
) -> list[Problem]:
    """A problem where what is computed would be less secret than what it is computed from; `reads` is the verb."""
    levels = {each.path: sensitivity_of(catalogue, each) for each in inputs}
    least = max(levels.values(), key=_SECRECY.index, default=Sensitivity.PUBLIC)
    if _SECRECY.index(attribute.sensitivity) >= _SECRECY.index(least):
        return []
    named = ", ".join(path for path, level in levels.items() if level is least)
    message = (
        f"{attribute.path} is {attribute.sensitivity}, and {reads} {named}, which is {least}: "
        f"a computed value is at least as secret as what it is computed from. Set sensitivity to {least}."
    )
    return [Problem(code, message, ("sensitivity",), str(attribute.sensitivity), str(least))]


def _level(catalogue: Catalogue, attribute: Attribute, met: frozenset[str]) -> Sensitivity:
    paths = (attribute.parent, *attribute.derived_from)
    further = [found for each in paths if each not in met and (found := catalogue.find_named(each, attribute.area))]
    levels = [_level(catalogue, each, met | {attribute.path}) for each in further]
    return max((attribute.sensitivity, *levels), key=_SECRECY.index)


def _inputs(catalogue: Catalogue, attribute: Attribute) -> frozenset[str]:
    return frozenset().union(*(input_paths(catalogue, each) for each in texts_of(attribute)))


def _levels(inputs: Mapping[str, frozenset[str]]) -> dict[str, int]:
    levels: dict[str, int] = {}
    waiting = set(inputs)
    for level in range(len(inputs)):
        ready = {each for each in waiting if inputs[each].isdisjoint(waiting)}
        if not ready:
            break
        levels |= dict.fromkeys(ready, level)
        waiting -= ready
    return levels


def _way(inputs: Mapping[str, frozenset[str]], at: str, target: str, met: set[str]) -> list[str] | None:
    for each in sorted(inputs.get(at, ())):
        if each == target:
            return [at, target]
        if each not in met:
            met.add(each)
            rest = _way(inputs, each, target, met)
            if rest is not None:
                return [at, *rest]
    return None
