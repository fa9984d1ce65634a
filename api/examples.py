"""The example queries that GraphiQL opens with, one a tab; a test runs them on the built-in catalogue."""

from typing import NamedTuple


class Example(NamedTuple):
    """One tab: the operation's name is its title."""

    query: str
    variables: dict[str, object]


_FIRST_CLIENTS = """\
# A page of your clients: exactly the fields you name, nothing more. Press the play button (Ctrl-Enter).
# A token is needed: paste the one that `scripts/serve` printed into "Headers" below, or make one with `kehu token`.
query FirstClients {
  clients(first: 10) {
    totalCount
    nodes {
      id
      number
      kind
      stage
      profile { name industry employees location { country city } }
      manager { name }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""

_FOUR_FACETS = """\
# One client in four facets, and where a value came from.
query FourFacets($number: String!) {
  client(number: $number) {
    id
    version
    profile { name industry keyPeople { name position } }
    behaviour { financials { revenue totalAssets totalLiabilities } }
    attitude { satisfaction nps }
    derived { clientValue creditRating segment }
    attribute(path: "attitude.satisfaction") {
      value
      source
      observer
      observedAt
      confidence
      isStale
      definition { label unit sensitivity }
    }
  }
}
"""

_MOST_VALUABLE = """\
# Filter by any attribute, order by any sortable one. For the next page give endCursor as `after`.
query MostValuableButUnhappy($after: String) {
  clients(
    where: {
      stage: { eq: ACTIVE }
      attitude: { satisfaction: { lt: 60 } }
      not: { derived: { clientValue: { isNull: true } } }
    }
    orderBy: [{ field: DERIVED_CLIENT_VALUE, direction: DESC }, { field: PROFILE_NAME }]
    first: 10
    after: $after
  ) {
    nodes { number profile { name } attitude { satisfaction } derived { clientValue } }
    pageInfo { hasNextPage endCursor }
  }
}
"""

_DEFINE_ATTRIBUTE = """\
# A new attribute, live without a restart (data_steward or administrator). dryRun says what would change;
# set it to false, and ask for profile { esgScore } two seconds later.
mutation DefineAttribute($input: AttributeDefineInput!) {
  attributeDefine(input: $input) {
    attribute { path kind label status }
    errors { code message path }
  }
}
"""

_CHANGE_WITH_PROOF = """\
# Change values and say how you know. Take id and version from the tab FourFacets.
# A null clears a value, a missing one stays.
mutation ChangeWithProof($input: ClientChangeInput!) {
  clientChange(input: $input) {
    client { id version attitude { satisfaction } }
    errors { code message path }
  }
}
"""

_HISTORY = """\
# Who changed what, when, from which value to which; nothing is lost.
query History($number: String!) {
  client(number: $number) {
    number
    history(first: 10) {
      nodes {
        version
        at
        by
        source
        values { path old new }
      }
    }
  }
}
"""

EXAMPLES = (
    Example(_FIRST_CLIENTS, {}),
    Example(_FOUR_FACETS, {"number": "K000001"}),
    Example(_MOST_VALUABLE, {"after": None}),
    Example(
        _DEFINE_ATTRIBUTE,
        {
            "input": {
                "facet": "PROFILE",
                "key": "esgScore",
                "kind": "NUMBER",
                "label": "ESG score",
                "description": "Score for environment, society and governance.",
                "unit": "points",
                "minimum": 0,
                "maximum": 100,
                "isSortable": True,
                "dryRun": True,
            }
        },
    ),
    Example(
        _CHANGE_WITH_PROOF,
        {
            "input": {
                "id": "",
                "expectedVersion": 1,
                "changes": {"attitude": {"satisfaction": 85}},
                "proof": {"source": "visit", "observedAt": "2026-11-20T10:00:00Z", "confidence": 0.9},
                "idempotencyKey": "my-first-change",
            }
        },
    ),
    Example(_HISTORY, {"number": "K000001"}),
)
