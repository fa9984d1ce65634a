"""The example queries that GraphiQL opens with, one a tab; tests run them on the built-in catalogue."""

from typing import NamedTuple


class Example(NamedTuple):
    """One tab: the operation's name is its title."""

    query: str
    variables: dict[str, object]


# The editor shows about 50 characters a line beside the answer.
_FIRST_CLIENTS = """\
# Exactly the fields you name, and nothing more.
# Run: the play button, or Ctrl-Enter.
# No answer but UNAUTHENTICATED? Open the address
# that the server printed last at its start, or put
# a token under "Headers"; one is made by
# kehu token --person ana --role administrator
query FirstClients {
  clients(
    where: { kind: { eq: ORGANISATION } }
    orderBy: [{ field: NUMBER }]
    first: 3
  ) {
    totalCount
    nodes {
      number
      profile {
        name
        industry
        location { city country }
      }
      attitude { satisfaction }
      derived { creditRating clientValue }
      manager { name }
    }
    pageInfo { hasNextPage }
  }
}
"""

_FOUR_FACETS = """\
# One client in four facets, and the proof of a
# value: where it came from, who saw it, when.
query FourFacets($number: String!) {
  client(number: $number) {
    id
    version
    profile {
      name
      keyPeople { name position }
    }
    behaviour {
      financials { revenue totalAssets totalLiabilities }
    }
    attitude { satisfaction nps }
    derived { clientValue creditRating segment }
    attribute(path: "attitude.satisfaction") {
      value
      source
      observer
      observedAt
      enteredAt
      confidence
      isStale
      definition { label unit sensitivity }
    }
  }
}
"""

_MOST_VALUABLE = """\
# Filter by any attribute, order by a sortable one.
# For the next page give endCursor as `after`.
query MostValuableButUnhappy($after: String) {
  clients(
    where: {
      stage: { eq: ACTIVE }
      attitude: { satisfaction: { lt: 60 } }
      derived: { clientValue: { isNull: false } }
    }
    orderBy: [
      { field: DERIVED_CLIENT_VALUE, direction: DESC }
      { field: PROFILE_NAME }
    ]
    first: 10
    after: $after
  ) {
    nodes {
      number
      profile { name }
      attitude { satisfaction }
      derived { clientValue }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""

_DEFINE_ATTRIBUTE = """\
# A new attribute, live without a restart. dryRun
# says what it would do to the schema and what it
# costs; set it to false, and two seconds later
# ask for clients { nodes { profile { esgScore } } }.
mutation DefineAttribute($input: AttributeDefineInput!) {
  attributeDefine(input: $input) {
    attribute { path kind label status revision }
    difference { level message }
    cost { makesIndex indexedDocuments failingDocuments }
    errors { code message path }
  }
}
"""

_UPSERT_BY_NUMBER = """\
# Create or change clients by their numbers. Good
# rows land, bad rows say why; sent again, nothing
# changes. Set dryRun to false to write.
mutation UpsertByNumber($input: ClientsUpsertInput!) {
  clientsUpsert(input: $input) {
    report { created changed unchanged refused }
    errors {
      code
      message
      path
      ... on RowRefusal { row }
    }
  }
}
"""

_CHANGE_WITH_PROOF = """\
# Change values and say how you know. Take id and
# version from the tab FourFacets into "Variables".
# Null clears a value; what is left out stays.
mutation ChangeWithProof($input: ClientChangeInput!) {
  clientChange(input: $input) {
    client { id version attitude { satisfaction } }
    errors { code message path given expected }
  }
}
"""

_HISTORY = """\
# Who changed what, when, from which value to which.
# Nothing is lost; without `paths` all is shown.
query History($number: String!) {
  client(number: $number) {
    number
    history(paths: ["attitude"], first: 10) {
      nodes {
        version
        at
        by
        source
        observer
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
        _UPSERT_BY_NUMBER,
        {
            "input": {
                "clients": [
                    {"number": "K000001", "attitude": {"satisfaction": 91}},
                    {"number": "DEMO-1", "kind": "PERSON", "profile": {"name": "Mei Castell"}},
                    {"number": "DEMO-2", "kind": "PERSON", "attitude": {"satisfaction": 900}},
                ],
                "proof": {"source": "survey 2026-11", "observer": "call centre", "confidence": 0.8},
                "dryRun": True,
            }
        },
    ),
    Example(
        _CHANGE_WITH_PROOF,
        {
            "input": {
                "id": "PASTE-THE-ID-HERE",
                "expectedVersion": 1,
                "changes": {"attitude": {"satisfaction": 85}},
                "proof": {"source": "visit", "observedAt": "2026-11-20T10:00:00Z", "confidence": 0.9},
                "idempotencyKey": "my-first-change",
            }
        },
    ),
    Example(_HISTORY, {"number": "K000001"}),
)
