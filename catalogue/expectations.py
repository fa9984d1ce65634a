"""Which values a client should have, and which of them grow old: what staleness and completeness go by."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from catalogue.attribute import Attribute, Facet, Status
from catalogue.catalogue import Catalogue

ENTERED_FACETS = (Facet.PROFILE, Facet.BEHAVIOUR, Facet.ATTITUDE)
"""Those whose values people enter; what is in the other one follows from them."""


def entered_attributes(catalogue: Catalogue, facet: Facet | None = None) -> tuple[Attribute, ...]:
    """The live attributes that hold a value of their own and that people enter, in order of their path."""
    facets = [each for each in ENTERED_FACETS if facet in (None, each)]
    return tuple(leaf for each in sorted(facets) for leaf in catalogue.leaves(str(each)))


def expected_attributes(catalogue: Catalogue, facet: Facet | None = None) -> tuple[Attribute, ...]:
    """Those of which a client is incomplete without a value.

    What is on its way out is not asked for any more, and in a group that is not expected nothing is.
    """
    return tuple(each for each in entered_attributes(catalogue, facet) if _is_expected(catalogue, each))


def _is_expected(catalogue: Catalogue, attribute: Attribute) -> bool:
    if not attribute.is_expected or attribute.status is not Status.PUBLISHED:
        return False
    outer = catalogue.find(attribute.parent, attribute.area)
    return outer is None or _is_expected(catalogue, outer)


def aging_attributes(catalogue: Catalogue, facet: Facet | None = None) -> tuple[Attribute, ...]:
    """The live attributes that hold a value of their own which grows stale, in order of their path."""
    facets: Iterable[Facet] = sorted(each for each in Facet if facet in (None, each))
    leaves = (leaf for each in facets for leaf in catalogue.leaves(str(each)))
    return tuple(each for each in leaves if each.max_age_hours is not None)


def stale_before(attribute: Attribute, moment: datetime) -> datetime:
    """A value that was observed earlier is stale at this moment."""
    return moment - timedelta(hours=attribute.max_age_hours or 0)
