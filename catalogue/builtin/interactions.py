"""Contact records and visit reports: who met, what was said and seen, which signals the client gave, what comes next.

Source: 「有成效的拜訪與觀察」「領會客戶發出的信號」
"""

from catalogue.attribute import Sensitivity
from catalogue.builtin.channels import CHANNELS
from catalogue.builtin.rows import Rows, code, day, group_list, having, past_moment, string, text, whole

INTERACTIONS_AREA = "interactions"

OUTCOMES = {
    "AGREED": "Something was agreed",
    "INTERESTED": "The client is interested",
    "UNDECIDED": "The client wants to think about it",
    "DECLINED": "The client declined",
    "INFORMED": "Only information was exchanged",
    "COMPLAINED": "The client complained",
    "NOT_REACHED": "The client was not reached",
}
SIDES = {"CLIENT": "The client's side", "BANK": "The bank's side", "OTHER": "Another party"}
SIGNALS = {
    "NEED": "A need, stated or latent",
    "BUYING": "Readiness to decide",
    "DOUBT": "A doubt or an objection",
    "COMPETITOR": "Interest in, or an offer of, another bank",
    "RISK": "A sign of trouble",
    "CHANGE": "A change among the people or in the business",
}

MEETING = having(
    past_moment("at", "At", "When the contact took place, or began."),
    code("channel", "Channel", "How the bank and the client were in touch.", CHANNELS),
    whole("duration", "Duration", "How long the contact took.", unit="minutes", minimum=0, maximum=24 * 60),
    string("place", "Place", "Where the two sides met.", max_length=200),
    string("purpose", "Purpose", "What the contact was meant to achieve.", max_length=300),
    group_list(
        "attendees",
        "Attendees",
        "The people who took part, on both sides.",
        string("name", "Name", "Full name of the person.", max_length=120),
        string("position", "Position", "Position that the person holds.", max_length=120),
        code("side", "Side", "The side for which the person took part.", SIDES),
    ),
)

FINDINGS = having(
    text("summary", "Summary", "What was talked about, in short."),
    text("observations", "Observations", "What was seen on the visit and says something about the client."),
    group_list(
        "signals",
        "Signals",
        "Signals that the client gave (領會客戶發出的信號).",
        code("kind", "Kind", "What the signal points to.", SIGNALS),
        string("words", "Words", "What was said or done, in a sentence.", max_length=500),
    ),
    code("outcome", "Outcome", "What the contact came to.", OUTCOMES),
)

NEXT = having(
    string("nextStep", "Next step", "What the bank does next for the client.", max_length=300),
    day("nextStepOn", "Next step on", "Day by which the next step is due."),
)

INTERACTIONS: Rows = having(
    *(MEETING, FINDINGS, NEXT),
    area=INTERACTIONS_AREA,
    sensitivity=Sensitivity.CONFIDENTIAL,
    owner="sales-management",
)
