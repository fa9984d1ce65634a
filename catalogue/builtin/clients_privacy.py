"""Built-in attributes of the facet profile about privacy: why the bank may work with what it knows of the client."""

from catalogue.builtin.rows import INTERNAL, code, group, past_day, string

LAWFUL_BASES = {
    "CONSENT": "Consent",
    "CONTRACT": "Contract",
    "LEGAL_OBLIGATION": "Legal obligation",
    "VITAL_INTEREST": "Vital interest",
    "PUBLIC_TASK": "Public task",
    "LEGITIMATE_INTEREST": "Legitimate interest",
}
PURPOSES = {
    "ACCOUNTS": "Keep accounts and carry out orders",
    "CREDIT": "Decide on credit, and review it",
    "ADVICE": "Advise the client",
    "RISK": "Measure and limit risk",
    "FINANCIAL_CRIME": "Prevent financial crime",
    "REPORTING": "Report to authorities",
    "MARKETING": "Offer products and services",
    "ANALYSIS": "Find patterns among clients",
}
SCOPES = {
    "CONTACT": "Be contacted with offers",
    "PROFILING": "Be assessed by automatic means",
    "GROUP_SHARING": "Pass data on within the group",
    "PARTNER_SHARING": "Pass data on to partners",
}

PRIVACY = group(
    "privacy",
    "Privacy",
    "Why the bank may work with what it knows of the client, and what the client has agreed to.",
    code("lawfulBasis", "Lawful basis", "Why the bank may work with the client's data at all.", LAWFUL_BASES),
    code(
        "processingPurposes",
        "Purposes",
        "What the bank works with the client's data for.",
        PURPOSES,
        is_list=True,
    ),
    code("consentScopes", "Consent", "What the client has agreed to.", SCOPES, is_list=True),
    past_day("consentGivenOn", "Consent given on", "Day on which the client agreed."),
    past_day(
        "consentWithdrawnOn",
        "Consent withdrawn on",
        "Day on which the client took the consent back.",
        is_expected=False,
    ),
    string(
        "consentText",
        "Wording of the consent",
        "Name and edition of the text that the client agreed to.",
        max_length=200,
    ),
    past_day(
        "objectedOn", "Objected on", "Day on which the client objected to the use of the data.", is_expected=False
    ),
    sensitivity=INTERNAL,
)
