"""Segments of the demonstration book, each with its playbook, and their first snapshot."""

from typing import Any

from acts.segments import NewSegment, define_segment, find_segment
from acts.segments_snapshots import take_snapshots
from catalogue.filter_json import filter_from_json
from policy.viewer import Viewer
from repositories.repositories import Repositories

_OWNER = "Marketing"
SEGMENTS: tuple[tuple[str, str, str, dict[str, Any], str], ...] = (
    (
        "KEY_CLIENTS",
        "Key clients",
        "Active clients of the first tier: the best of the bank's people and conditions are for them.",
        {"stage": {"eq": "ACTIVE"}, "derived": {"tier": {"eq": "A"}}},
        "Visit once a month, with a specialist every quarter.\n"
        "Bring the product department's plans before they are public.\n"
        "Answer each question the same day; a complaint goes to the head of the branch at once.",
    ),
    (
        "LEAVING",
        "About to leave",
        "Active clients of the first two tiers who are likely to go within a year.",
        {"stage": {"eq": "ACTIVE"}, "derived": {"tier": {"in": ["A", "B"]}, "churnRisk": {"gte": 0.25}}},
        "Call within three days and ask what has changed; do not sell.\n"
        "Look at the last six contacts and the open cases first.\n"
        "Agree on one thing that will be better in a month, and say in the visit report what it is.",
    ),
    (
        "ONE_PRODUCT",
        "One product, room for more",
        "Active clients with up to two products and a good chance that the next one fits.",
        {"stage": {"eq": "ACTIVE"}, "derived": {"productCount": {"lte": 2}, "purchaseProbability": {"gte": 0.5}}},
        "Start from the need that the last visit report names, then from `derived.nextBestProduct`.\n"
        "Offer one product only, with its cost and its use for the client side by side.",
    ),
    (
        "NEW_COMPANIES",
        "Companies to win",
        "Organisations that are not clients yet.",
        {"kind": {"eq": "ORGANISATION"}, "stage": {"eq": "PROSPECT"}},
        "Find out which bank they are with and who decides.\n"
        "Two contacts in the first month, one of them on site; then decide whether to go on.",
    ),
)
"""Code, label, description, `where` and playbook."""


async def load_segments(viewer: Viewer, repositories: Repositories) -> None:
    """Define those that are not there yet, and take the snapshot that their history begins with."""
    for code, label, description, where, playbook in SEGMENTS:
        if await find_segment(viewer, repositories, code) is None:
            predicate = filter_from_json(repositories.catalogue, where)
            new = NewSegment(code, label, predicate, description, playbook, _OWNER)
            await define_segment(viewer, repositories, new)
    await take_snapshots(repositories)
