"""The attitude: satisfaction, preferences among products, outlook on industry and market.

Source: 「客戶滿意度、對產品性能有何偏好以及行業和市場走勢」
"""

from catalogue.attribute import Facet
from catalogue.builtin.channels import CHANNELS
from catalogue.builtin.clients_behaviour import PRODUCTS
from catalogue.builtin.rows import (
    DAYS,
    ORGANISATIONS,
    Rows,
    code,
    facet,
    flag,
    group_list,
    having,
    number,
    past_day,
    string,
    text,
    whole,
)

OUTLOOK = {
    "VERY_POSITIVE": "Very positive",
    "POSITIVE": "Positive",
    "NEUTRAL": "Neutral",
    "NEGATIVE": "Negative",
    "VERY_NEGATIVE": "Very negative",
}
STRENGTH = {"LOW": "Low", "MEDIUM": "Medium", "HIGH": "High"}

SATISFACTION = having(
    whole(
        "satisfaction",
        "Satisfaction",
        "Satisfaction with the bank, from 0 to 100 (客戶滿意度).",
        unit="points",
        minimum=0,
        maximum=100,
        is_sortable=True,
    ),
    text("satisfactionReason", "Reason", "Why the client is satisfied or not, in its own words."),
    whole(
        "nps",
        "Net promoter score",
        "Score of the answers to whether the client would recommend the bank, from -100 to 100.",
        unit="points",
        minimum=-100,
        maximum=100,
        is_sortable=True,
    ),
    whole("trust", "Trust", "Trust in the manager and the bank, from 0 to 100.", unit="points", minimum=0, maximum=100),
    past_day("surveyedOn", "Asked on", "Day on which the client was last asked for its opinion."),
    flag("wouldRefer", "Would refer", "Says whether the client is willing to bring in others."),
    text("opinionOfUs", "Opinion of us", "What the client says about this bank."),
    text("opinionOfOthers", "Opinion of others", "What the client says about competing banks."),
    max_age_hours=180 * DAYS,
)

PREFERENCES = having(
    group_list(
        "productPreferences",
        "Product preferences",
        "What the client wants from products (對產品性能有何偏好).",
        code("product", "Product", "Product that the preference is about.", PRODUCTS),
        string("feature", "Feature", "Feature that the client values or misses.", max_length=200),
        whole("importance", "Importance", "How much it matters, from 1 to 5.", unit="points", minimum=1, maximum=5),
        text("comment", "Comment", "What the client said about it."),
        max_age_hours=365 * DAYS,
    ),
    code("preferredChannel", "Preferred channel", "How the client prefers to be contacted.", CHANNELS),
    code("priceSensitivity", "Price sensitivity", "How strongly price decides.", STRENGTH),
    code("riskAppetite", "Risk appetite", "How much risk the client is willing to take.", STRENGTH),
    code(
        "decisionStyle",
        "Decision style",
        "How the client comes to a decision.",
        {"ANALYTICAL": "Analytical", "CAUTIOUS": "Cautious", "RELATIONAL": "Relational", "QUICK": "Quick"},
    ),
    string("concerns", "Concerns", "What worries the client.", is_list=True, max_length=200),
    string(
        "unmetNeeds", "Unmet needs", "What the client wants and has not found (潛在需求).", is_list=True, max_length=200
    ),
    flag("hasMarketingConsent", "Marketing consent", "Says whether the client allows offers to be sent."),
)

VIEWS = having(
    code("marketOutlook", "Market outlook", "How the client sees its market in the next year (市場走勢).", OUTLOOK),
    code(
        "industryOutlook",
        "Industry outlook",
        "How the client sees its industry in the next years (行業走勢).",
        OUTLOOK,
        applies_to=ORGANISATIONS,
    ),
    text("outlookReason", "Reason for the outlook", "Why the client sees its market and industry so."),
    number("expectedGrowth", "Expected growth", "Growth that the client expects in the next year.", unit="%"),
    code("investmentIntent", "Intent to invest", "How strongly the client intends to invest.", STRENGTH),
    max_age_hours=180 * DAYS,
)

ATTITUDE: Rows = facet(Facet.ATTITUDE, SATISFACTION, PREFERENCES, VIEWS, owner="client-experience")
