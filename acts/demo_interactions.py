"""Contacts of the demonstration book: a few for each client, the newest of them the client's last contact."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from acts.demo_book import SEED, DemoClient
from acts.demo_draw import Draw, Values

_COUNTS = {"ACTIVE": (2, 6), "PROSPECT": (0, 3), "DORMANT": (1, 2), "LOST": (1, 2)}
_CHANNELS = {"VISIT": 0.3, "TELEPHONE": 0.25, "BRANCH": 0.1, "VIDEO": 0.1, "EMAIL": 0.15, "MESSAGE": 0.1}
_IN_PERSON = frozenset(("VISIT", "BRANCH"))
_OUTCOMES = {
    "AGREED": 0.2,
    "INTERESTED": 0.25,
    "UNDECIDED": 0.2,
    "INFORMED": 0.25,
    "DECLINED": 0.07,
    "COMPLAINED": 0.03,
}
_TALKS = (
    ("Review of the credit lines", "Went through the use of the credit lines and the plans for the next quarter."),
    ("Yearly review", "Compared the year with the plan; the client expects a moderate rise."),
    ("New payment service", "Showed the new payment service; the client asked for a trial account."),
    ("Renewal of a deposit", "The deposit falls due next month; terms for a renewal were named."),
    ("Question about charges", "Explained the charges of the last statement line by line."),
    ("Getting to know the successor", "Met the successor of the contact person and told what we do for the client."),
    ("Foreign exchange", "Spoke about how to cover the exchange risk of the coming orders."),
    ("Insurance and provision", "Went through the present cover and found a gap in it."),
)
_SEEN = (
    "The reception was busy and the mood good.",
    "Half of the desks were empty; a part of the work has moved to another place.",
    "New machines stand in the hall and are not running yet.",
    "A folder of another bank lay on the table.",
    "The client took much time and showed the whole site.",
)
_SIGNALS = (
    ("NEED", "Asked twice how quickly a loan could be paid out."),
    ("BUYING", "Wants the contract for signature."),
    ("DOUBT", "Finds the collateral we ask for too high."),
    ("COMPETITOR", "Mentioned an offer of another bank."),
    ("RISK", "Pays suppliers later than before."),
    ("CHANGE", "The head of finance leaves at the end of the year."),
)
_STEPS = ("Send the offer", "Call again", "Bring along a specialist", "Send the documents", "Ask the credit department")


def demo_interactions(client: DemoClient) -> Iterator[Values]:
    """The contacts of one client by key, as the area `interactions` names them.

    Order: newest first. They follow from the client's number alone, so a bigger book begins as a smaller one.
    """
    draw = Draw(SEED + int(client["number"].lstrip("K")))
    behaviour = client["values"]["behaviour"]
    last = behaviour.get("lastContactAt")
    at = last if isinstance(last, datetime) else draw.moment_ago(60, 200)
    channel = behaviour.get("lastContactChannel")
    # Whoever was spoken to has a contact that says so.
    for place in range(max(draw.whole(*_COUNTS[client["stage"]]), isinstance(last, datetime))):
        yield _interaction(draw, at, channel if place == 0 and isinstance(channel, str) else draw.weighted(_CHANNELS))
        at -= timedelta(days=draw.whole(4, 60), minutes=draw.whole(0, 300))


def _interaction(draw: Draw, at: datetime, channel: str) -> Values:
    purpose, summary = draw.pick(_TALKS)
    found: Values = {
        "at": at,
        "channel": channel,
        "duration": draw.whole(1, 18) * 5,
        "purpose": purpose,
        "summary": summary,
        "outcome": draw.weighted(_OUTCOMES),
    }
    if channel in _IN_PERSON:
        found["observations"] = draw.pick(_SEEN)
    if draw.chance(0.35):
        kind, words = draw.pick(_SIGNALS)
        found["signals"] = [{"kind": kind, "words": words}]
    if draw.chance(0.5):
        found["nextStep"] = draw.pick(_STEPS)
        found["nextStepOn"] = (at + timedelta(days=draw.whole(3, 45))).date()
    return found
