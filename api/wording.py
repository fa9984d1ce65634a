"""Errors of GraphQL itself, without names that the caller did not send: no error is a way to read the schema."""

import re

from graphql import GraphQLError

# Names that every schema has, or that the documentation gives everybody.
_PUBLIC = frozenset(
    "Int Float String Boolean ID Long Decimal Date DateTime JSON Query Mutation Subscription skip include if".split()
)
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_NAME = re.compile(r"[A-Za-z_]\w*")
_SUGGESTION = re.compile(r"\s*(Did you mean|Perhaps you meant)\b.*$", re.DOTALL)
_GIVEN = re.compile(
    r"(?:, found:? |\bgot |cannot represent[^:]*: )(.*?)(?:; |$)|(?:Value|unknown field) ('\w+')", re.DOTALL
)
"""What a message says of the variables, which are no part of the document."""
HIDDEN = "…"


def told(error: GraphQLError) -> str:
    """The message of an error that graphql-core has worded, with other people's names left out.

    Cost: one pass over the document, in the case of an error only.
    """
    message = _SUGGESTION.sub("", error.message)
    sent = _PUBLIC.union(
        _NAME.findall(_document_of(error)), *(_NAME.findall(" ".join(each)) for each in _GIVEN.findall(message))
    )

    def checked(match: re.Match[str]) -> str:
        names = _NAME.findall(match[1] if match[1] is not None else match[2])
        quote = match.group()[0]
        return match.group() if sent.issuperset(names) else f"{quote}{HIDDEN}{quote}"

    return _QUOTED.sub(checked, message)


def _document_of(error: GraphQLError) -> str:
    for node in error.nodes or ():
        if node.loc is not None:
            return node.loc.source.body
    return "" if error.source is None else error.source.body
