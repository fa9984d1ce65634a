"""A checked formula as MongoDB's expression, guarded so that no stored document can make an update fail.

Every value is looked at where it is read: one of another kind than its attribute's is null. So each operator gets what
it takes, and only what its own guard names can go wrong.
"""

from collections.abc import Callable, Mapping, Sequence

from catalogue.formulas.operators import OPERATORS
from catalogue.formulas.tree import Call, Items, Let, Literal, Loop, Node, Now, Read, Switch, Variable
from catalogue.formulas.types import Type
from catalogue.kinds import Kind
from repositories.compile.guards import GUARDS, finite, in_years, with_values

Expression = object

AT = "at_"
"""The variable that holds the moment of the computation. A user's variable has no underscore."""


def expression_from(node: Node) -> Expression:
    """The expression that computes a tree: a value of the tree's type, or null; never nothing, and never an error."""
    return _MAKERS[type(node)](node)


def _literal(node: Literal) -> Expression:
    return None if node.value is None else {"$literal": node.value}


def _read(node: Read) -> Expression:
    return _typed(f"${node.path}", node.type)


def _now(_node: Now) -> Expression:
    return f"$${AT}"


def _variable(node: Variable) -> Expression:
    if not node.fields:
        return f"$${node.name}"
    return _typed(".".join((f"$${node.name}", *node.fields)), node.type)


def _typed(read: str, type_: Type) -> Expression:
    """What is read, if it is of the type; items of a list that are not are left out."""
    if type_.depth:
        kept = {"$filter": {"input": read, "as": "item_", "cond": _is_of("$$item_", type_.kind)}}
        if type_.kind is Kind.NUMBER:
            kept = {"$map": {"input": kept, "as": "item_", "in": {"$toDouble": "$$item_"}}}
        return {"$cond": [{"$isArray": [read]}, kept, None]}
    # A whole number at a NUMBER was entered as one: it is floating as all others are.
    value = {"$toDouble": read} if type_.kind is Kind.NUMBER else read
    return {"$cond": [_is_of(read, type_.kind), value, None]}


def _is_of(value: Expression, kind: Kind | None) -> Expression:
    named = {"$type": value}
    match kind:
        case Kind.LONG:
            return {"$in": [named, ["int", "long"]]}
        case Kind.NUMBER:
            return {"$and": [{"$in": [named, ["double", "int", "long"]]}, finite(value)]}
        case Kind.DECIMAL:
            return {"$and": [{"$eq": [named, "decimal"]}, finite(value)]}
        case Kind.DATE | Kind.DATETIME:
            return in_years(value)
        case Kind.BOOLEAN:
            return {"$eq": [named, "bool"]}
        case Kind.GROUP:
            return {"$eq": [named, "object"]}
        case _:
            return {"$eq": [named, "string"]}


def _items(node: Items) -> Expression:
    return [expression_from(each) for each in node.items]


def _let(node: Let) -> Expression:
    variables = {name: expression_from(each) for name, each in node.variables}
    return {"$let": {"vars": variables, "in": expression_from(node.body)}}


def _switch(node: Switch) -> Expression:
    """The first branch whose case is true; null instead of the default, where a case is not known."""
    cases = [expression_from(case) for case, _ in node.branches]
    then = [expression_from(then) for _, then in node.branches]
    default = expression_from(node.default)
    if default is None or not any(case.type.is_nullable for case, _ in node.branches):
        return _switched(cases, then, default)
    return with_values(cases, lambda known: _switched([*known, {"$in": [None, known]}], [*then, None], default))


def _switched(cases: Sequence[Expression], then: Sequence[Expression], default: Expression) -> Expression:
    branches = [{"case": case, "then": value} for case, value in zip(cases, then, strict=True)]
    return {"$switch": {"branches": branches, "default": default}}


def _loop(node: Loop) -> Expression:
    source, body = expression_from(node.source), expression_from(node.body)
    match node.operator:
        case "$map":
            return {"$map": {"input": source, "as": node.variable, "in": body}}
        case "$filter":
            return {"$filter": {"input": source, "as": node.variable, "cond": body}}
        case _:
            initial = None if node.initial is None else expression_from(node.initial)
            return {"$reduce": {"input": source, "initialValue": initial, "in": body}}


def _call(node: Call) -> Expression:
    guard = GUARDS[OPERATORS[node.operator].guard]
    arguments = [expression_from(each) for each in node.arguments]
    return guard(node, arguments, lambda given: _plain(node, given))


def _plain(node: Call, arguments: Sequence[Expression]) -> Expression:
    if node.names:
        named: Mapping[str, Expression] = dict(zip(node.names, arguments, strict=True))
        return {node.operator: {**named, **node.constants}}
    waiting = iter(arguments)
    count = len(arguments) + len(node.constants)
    return {
        node.operator: [node.constants[str(at)] if str(at) in node.constants else next(waiting) for at in range(count)]
    }


_MAKERS: Mapping[type[Node], Callable[..., Expression]] = {
    Literal: _literal,
    Read: _read,
    Now: _now,
    Variable: _variable,
    Items: _items,
    Let: _let,
    Switch: _switch,
    Loop: _loop,
    Call: _call,
}
