"""Sixty requests that nobody sends in good faith: what they have in common is that reading them could take long."""

import json
from collections.abc import Iterator

Shapes = Iterator[tuple[str, bytes]]


def shapes() -> dict[str, bytes]:
    """The bodies, by name."""
    makers = (_fragments, _selections, _introspection, _values, _texts, _json)
    found = [each for maker in makers for each in maker()]
    bodies = dict(found)
    assert len(bodies) == len(found), "two shapes have one name"
    return bodies


def _query(text: str, **more: object) -> bytes:
    return json.dumps({"query": text, **more}).encode()


def _chain(levels: int, link: str) -> str:
    links = [f"fragment F{at} on Client {{ {link.replace('NEXT', f'...F{at + 1}')} }}" for at in range(levels)]
    return (
        f"{{ clients(first: 1) {{ nodes {{ ...F0 }} }} }} {' '.join(links)} fragment F{levels} on Client {{ number }}"
    )


def _fragments() -> Shapes:
    for levels in (12, 16, 20, 25, 30, 40, 50, 60):
        yield f"fragments that double, {levels}", _query(_chain(levels, "NEXT NEXT"))
    for levels in (4, 8, 15, 30, 60):
        yield f"fragments one below the other, {levels}", _query(_chain(levels, "profile { parent { NEXT } }"))
    for levels in (4, 12, 40):
        twice = "a: profile { parent { NEXT } } b: profile { parent { NEXT } }"
        yield f"fragments that double with aliases, {levels}", _query(_chain(levels, twice))
    yield "a long chain", _query(_chain(110, "NEXT"))
    ring = " ".join(f"fragment F{at} on Client {{ ...F{(at + 1) % 60} ...F{(at + 7) % 60} }}" for at in range(60))
    yield "a ring of sixty", _query(f"{{ clients(first: 1) {{ nodes {{ ...F0 }} }} }} {ring}")
    small = " ".join(f"fragment F{at} on Client {{ ...F{(at + 1) % 20} }}" for at in range(20))
    yield "a ring of twenty", _query(f"{{ clients(first: 1) {{ nodes {{ ...F0 }} }} }} {small}")
    mesh = [
        f"fragment F{at} on Client {{ {' '.join(f'...F{i}' for i in range(at + 1, 27))} number }}" for at in range(27)
    ]
    yield "a mesh", _query(f"{{ clients(first: 1) {{ nodes {{ ...F0 }} }} }} {' '.join(mesh)}")
    yield "spreads of nothing", _query("{ " + " ".join(f"...N{at}" for at in range(450)) + " }")


def _selections() -> Shapes:
    page = "{ clients(first: 1) { nodes { %s } } }"
    yield "a field nine hundred times", _query(page % ("number " * 900))
    yield "fields that meet at every level", _query(page % (("profile { " + "name " * 10 + "} ") * 60))
    yield (
        "fields that meet on two levels",
        _query("{ clients(first: 1) { %s} }" % (("nodes { " + "number " * 10 + "} ") * 60)),
    )
    yield "fields in inline fragments", _query(page % ("... { number number number } " * 150))
    conflicting = " ".join(f"a: {'number' if at % 2 else 'stage'}" for at in range(300))
    yield "fields in conflict", _query(page % conflicting)
    yield "aliases of fields", _query(page % " ".join(f"a{at}: number" for at in range(300)))
    yield (
        "aliases of the root",
        _query("{{ {} }}".format(" ".join(f'a{at}: client(number: "{at}") {{ id }}' for at in range(90)))),
    )
    yield "root fields", _query("{{ {} }}".format(" ".join(f"f{at}" for at in range(900))))
    yield (
        "eleven lists",
        _query("{{ {} }}".format(" ".join(f"a{at}: clients(first: 1) {{ totalCount }}" for at in range(11)))),
    )
    yield "operations", _query(" ".join(f"query Q{at} {{ __typename }}" for at in range(230)))
    yield (
        "references, deep",
        _query('{{ client(number: "K000001") {{ {} number {} }} }}'.format("profile { parent { " * 40, "} } " * 40)),
    )
    yield "braces, deep", _query("{ a " * 450 + "} " * 450)
    yield "inline fragments, deep", _query(page % ("... { " * 400 + "number " + "} " * 400))
    yield "directives on a field", _query(page % ("number " + "@skip(if: false) " * 120))
    yield "directives on fields", _query(page % ("number @include(if: true) " * 110))
    yield (
        "pages in pages",
        _query(
            "{ clients(first: 200) { nodes { interactions(first: 200) { nodes { client { interactions(first: 200) "
            "{ nodes { id } } } } } } } }"
        ),
    )
    yield "a page of pages", _query("{ clients(first: 200) { nodes { interactions(first: 200) { nodes { id } } } } }")


def _introspection() -> Shapes:
    level = "type { fields { " * 6
    yield (
        "introspection, in circles",
        _query("{{ __schema {{ types {{ fields {{ {} name {} }} }} }} }}".format(level, "} }" * 6)),
    )
    yield (
        "introspection, nine times",
        _query("{{ {} }}".format(" ".join(f"a{at}: __schema {{ types {{ name }} }}" for at in range(9)))),
    )
    types = " ".join(f"a{at}: types {{ fields {{ name args {{ name }} }} }}" for at in range(9))
    yield "introspection of types, nine times", _query(f"{{ __schema {{ {types} }} }}")


def _values() -> Shapes:
    where = "{ clients(first: 1, where: %s) { totalCount } }"
    yield "a filter, deep", _query(where % ("{ not: " * 60 + "{}" + " }" * 60))
    yield "a filter, deeper than the parser goes", _query(where % ("{ and: [" * 180 + "{}" + "] }" * 180))
    deep: object = {"number": {"eq": "1"}}
    for _ in range(25):
        deep = {"not": deep}
    filtered = "query($w: ClientWhere) { clients(first: 1, where: $w) { totalCount } }"
    yield "a filter in a variable, deep", _query(filtered, variables={"w": deep})
    many = [{"number": {"eq": str(at)}} for at in range(20_000)]
    yield (
        "a filter in a variable, wide",
        _query(filtered, variables={"w": {"number": {"in": [str(at) for at in range(50_000)]}}}),
    )
    yield "alternatives", _query(filtered, variables={"w": {"or": many[:9_000], "and": "no"}})
    listed: object = []
    for _ in range(70):
        listed = [listed]
    yield "lists in a variable, deep", _query("query($x: JSON) { __typename }", variables={"x": listed})
    yield (
        "ids",
        _query(
            "query($ids: [ID!]!) { nodes(ids: $ids) { id } }", variables={"ids": [f"cl_{at}" for at in range(40_000)]}
        ),
    )
    yield "variables", _query("query(" + " ".join(f"$v{at}: Int" for at in range(240)) + ") { __typename }")


def _texts() -> Shapes:
    yield "a text of a megabyte", _query('{ client(number: "%s") { id } }' % ("x" * 900_000))
    yield "a block text", _query('{ client(number: """%s""") { id } }' % ("x\n" * 300_000))
    yield "escapes", _query('{ client(number: "%s") { id } }' % ("\\u0041" * 100_000))
    yield "comments", _query("#\n" * 200_000 + "{ __typename }")
    yield "a comment", _query("#" + "x" * 900_000 + "\n{ __typename }")
    yield "blanks", _query(" \n" * 400_000 + "{ __typename }")
    yield "commas", _query("," * 900_000 + "{ __typename }")
    yield "brackets in a document", _query("{ a(b: " + "[" * 100_000)
    yield "marks of byte order", _query("\ufeff" * 60_000 + "{ __typename }")


def _json() -> Shapes:
    yield "brackets", b"[" * 100_000
    yield "brackets, a megabyte of them", b"[" * 999_000
    yield "objects, deep", b'{"query":' * 50_000
    yield "empty lists", b'{"query": "{ __typename }", "variables": {"x": [' + b"[]," * 320_000 + b"[]]}}"
    yield "numbers", b'{"query": "{ __typename }", "variables": {"x": [' + b"1," * 480_000 + b"1]}}"
    yield (
        "four megabytes of lists",
        b'{"query": "mutation { clientsUpsert }", "variables": {"x": [' + b"[]," * 1_200_000 + b"[]]}}",
    )
    yield "four megabytes for a query", b'{"query": "{ __typename }", "variables": {"x": "' + b"x" * 3_900_000 + b'"}}'
    yield "six megabytes", b'{"query": "' + b"x" * 6_000_000 + b'"}'
    yield "no UTF-8", b'{"query": "{ \xff\xfe }"}'
    yield "half a surrogate", b'{"query": "{ client(number: \\"\\ud800\\") { id } }", "variables": {"a": "\\ud800"}}'
    yield "a batch", b"[" + b'{"query": "{ __typename }"},' * 1_000 + b'{"query": "{ __typename }"}]'
    yield "a long name", b'{"query": "{ ' + b"a" * 45_000 + b' }", "operationName": "' + b"b" * 900_000 + b'"}'
