"""When and how often the bank was in touch with a client: counted from the contacts that are recorded.

Source: 「聯絡記錄、客戶拜訪報告」
"""

from catalogue.attribute import Sensitivity
from catalogue.builtin.channels import CHANNELS
from catalogue.builtin.rows import INTERNAL, code, day, having, moment, past_day, text, whole
from catalogue.rollups.rollup import Rollup, RollupFunction

_TEN_YEARS = 3_660
"""A window ends now, so that a contact that is planned is not the last one."""


def _contacts(function: RollupFunction, days: int, **more: str) -> Rollup:
    return Rollup(area="interactions", function=function, days=days, **more)


FROM_CONTACTS = having(
    moment(
        "lastContactAt",
        "Last contact",
        "When the bank and the client last spoke or wrote.",
        is_sortable=True,
        rollup=_contacts(RollupFunction.MAXIMUM, _TEN_YEARS, of="at"),
    ),
    code(
        "lastContactChannel",
        "Channel of the last contact",
        "How the last contact was made.",
        CHANNELS,
        rollup=_contacts(RollupFunction.LATEST, _TEN_YEARS, of="channel"),
    ),
    whole(
        "contactCount90d",
        "Contacts in 90 days",
        "Number of contacts in the last 90 days (聯絡記錄).",
        unit="contacts",
        minimum=0,
        is_sortable=True,
        rollup=_contacts(RollupFunction.COUNT, 90),
    ),
    whole(
        "visitCount365d",
        "Visits in a year",
        "Number of visits in the last 365 days.",
        unit="visits",
        minimum=0,
        rollup=_contacts(RollupFunction.COUNT, 365, where='{"channel":{"eq":"VISIT"}}'),
    ),
    whole(
        "complaintCount365d",
        "Complaints in a year",
        "Complaints in the last 365 days.",
        unit="complaints",
        minimum=0,
        rollup=_contacts(RollupFunction.COUNT, 365, where='{"outcome":{"eq":"COMPLAINED"}}'),
    ),
    # As secret as the contacts that they are counted from.
    sensitivity=Sensitivity.CONFIDENTIAL,
    is_expected=False,
)

CONTACTS = (
    FROM_CONTACTS
    + having(
        past_day("lastVisitOn", "Last visit on", "Day of the last visit."),
        day("nextVisitOn", "Next visit on", "Day for which the next visit is planned.", is_sortable=True),
        past_day("becameClientOn", "Client since", "Day on which the first product was taken.", is_expected=True),
        sensitivity=INTERNAL,
        # They follow from the visits and their plan: nobody is asked to enter them.
        is_expected=False,
    )
    + text(
        "lastVisitSummary",
        "Last visit report",
        "What the last visit report says in short (客戶拜訪報告).",
        is_expected=False,
    )
)
