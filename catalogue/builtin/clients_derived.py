"""What is computed from the other facets: purchase model, ratios, rating, forecast, value, segment and risk.

Source: 「采購模型、經營狀況比率、信用評級以及市場預測」
"""

from catalogue.attribute import Facet
from catalogue.builtin.clients_behaviour import PRODUCTS
from catalogue.builtin.expressions import first_of, formula, part, quotient, ratio
from catalogue.builtin.rows import (
    INTERNAL,
    ORGANISATIONS,
    Rows,
    code,
    facet,
    group,
    having,
    number,
    past_moment,
    string,
    whole,
)

RATINGS = {
    "AAA": "Extremely strong",
    "AA": "Very strong",
    "A": "Strong",
    "BBB": "Adequate",
    "BB": "Below average",
    "B": "Weak",
    "CCC": "Very weak",
}
SEGMENTS = {"KEY": "Key clients", "CORE": "Core clients", "GROWTH": "Growth clients", "STANDARD": "Standard clients"}


def _share(path: str, label: str, description: str, **more: object) -> Rows:
    return number(path, label, f"{description}, from 0 to 1.", minimum=0, maximum=1, **more)


VALUE = having(
    number(
        "clientValue",
        "Client value",
        "What the client brings the bank in a year after costs, with its potential.",
        unit="CNY",
        is_sortable=True,
    ),
    number("lifetimeValue", "Lifetime value", "Value of the client over the expected relationship.", unit="CNY"),
    number("costToServe", "Cost to serve", "What serving the client costs the bank in a year.", unit="CNY", minimum=0),
    _share(
        "shareOfWallet", "Share of wallet", "Share of the client's banking business that is with us", is_sortable=True
    ),
    whole(
        "productCount",
        "Product count",
        "Number of products held with us.",
        unit="products",
        minimum=0,
        formula=formula({"$size": "$behaviour.withUs.products"}),
    ),
    code("segment", "Segment", "Segment by client value (細分客戶).", SEGMENTS, sensitivity=INTERNAL),
    code(
        "tier",
        "Tier",
        "Tier that sets how often the client is visited.",
        {"A": "Every month", "B": "Every quarter", "C": "Every half-year", "D": "Every year"},
        sensitivity=INTERNAL,
    ),
    _share("churnRisk", "Churn risk", "Chance that the client leaves within a year", is_sortable=True),
)

_PURCHASE_MODEL = first_of(
    ({"$eq": ["$attitude.priceSensitivity", "HIGH"]}, "PRICE"),
    (
        {
            "$or": [
                {"$eq": ["$attitude.decisionStyle", "RELATIONAL"]},
                {
                    "$and": [
                        {"$gte": ["$attitude.trust", 75]},
                        {"$gte": [{"$size": "$behaviour.withUs.products"}, 3]},
                    ]
                },
            ]
        },
        "RELATIONSHIP",
    ),
    ({"$in": ["$behaviour.purchasing.frequency", ["QUARTERLY", "YEARLY"]]}, "SEASONAL"),
    (
        {
            "$or": [
                {"$eq": ["$attitude.decisionStyle", "QUICK"]},
                {"$in": ["$attitude.preferredChannel", ["MOBILE", "MESSAGE"]]},
            ]
        },
        "CONVENIENCE",
    ),
    (
        {
            "$and": [
                {"$gte": ["$behaviour.purchases.count", 1]},
                {"$lte": ["$behaviour.purchases.count", 3]},
            ]
        },
        "OCCASIONAL",
    ),
)
"""What the client says goes before what it does, and price before everything; three purchases are now and then."""

PURCHASES = having(
    code(
        "purchaseModel",
        "Purchase model",
        "Pattern by which the client takes banking products (采購模型).",
        {
            "RELATIONSHIP": "Buys from whom it trusts",
            "PRICE": "Buys the cheapest",
            "CONVENIENCE": "Buys the easiest",
            "SEASONAL": "Buys by the season",
            "OCCASIONAL": "Buys now and then",
        },
        formula=_PURCHASE_MODEL,
    ),
    _share("purchaseProbability", "Chance of a purchase", "Chance of a new product within 90 days"),
    code("nextBestProduct", "Next best product", "Product that fits the client best and is not held yet.", PRODUCTS),
)

_QUICK_ASSETS = {"$subtract": [part("currentAssets"), part("inventory")]}
_EQUITY = {"$subtract": [part("totalAssets"), part("totalLiabilities")]}
_DAYS_OF_REVENUE = {"$multiply": [part("receivables"), 365]}


def _ratio(path: str, label: str, description: str, text: str, **more: object) -> Rows:
    return number(path, label, description, formula=text, **more)


RATIOS = having(
    _ratio(
        "debtRatio",
        "Debt ratio",
        "Total liabilities divided by total assets.",
        ratio("totalLiabilities", "totalAssets"),
        minimum=0,
        is_sortable=True,
    ),
    _ratio(
        "currentRatio",
        "Current ratio",
        "Current assets divided by current liabilities.",
        ratio("currentAssets", "currentLiabilities"),
        minimum=0,
    ),
    _ratio(
        "quickRatio",
        "Quick ratio",
        "Current assets without inventory divided by current liabilities.",
        formula(quotient(_QUICK_ASSETS, part("currentLiabilities"))),
    ),
    _ratio("netMargin", "Net margin", "Net profit divided by revenue.", ratio("netProfit", "revenue")),
    _ratio(
        "returnOnAssets",
        "Return on assets",
        "Net profit divided by total assets.",
        ratio("netProfit", "totalAssets"),
    ),
    _ratio(
        "returnOnEquity",
        "Return on equity",
        "Net profit divided by assets less liabilities.",
        formula(quotient(part("netProfit"), _EQUITY)),
    ),
    _ratio(
        "assetTurnover",
        "Asset turnover",
        "Revenue divided by total assets.",
        ratio("revenue", "totalAssets"),
        minimum=0,
    ),
    _ratio(
        "interestCoverage",
        "Interest coverage",
        "Operating profit divided by interest expense.",
        ratio("operatingProfit", "interestExpense"),
    ),
    _ratio(
        "receivableDays",
        "Receivable days",
        "Receivables divided by a day's revenue.",
        formula(quotient(_DAYS_OF_REVENUE, part("revenue"), digits=1)),
        unit="days",
        minimum=0,
    ),
    applies_to=ORGANISATIONS,
    owner="credit-analysis",
)

CREDIT = having(
    code("creditRating", "Credit rating", "Rating of the client's credit (信用評級).", RATINGS, is_sortable=True),
    whole(
        "creditScore",
        "Credit score",
        "Score behind the rating, from 0 to 1000.",
        unit="points",
        minimum=0,
        maximum=1000,
    ),
    _share("defaultProbability", "Chance of default", "Chance that the client defaults within a year"),
    code(
        "riskLevel",
        "Risk level",
        "Level of risk in the monitoring ledger (監測台賬).",
        {"LOW": "Low", "WATCH": "Watch", "HIGH": "High", "CRITICAL": "Critical"},
    ),
    owner="credit-analysis",
)

_GROWTH = "$attitude.expectedGrowth"
_GROWTH_SHARE = {"$divide": [_GROWTH, 100]}
_DEPOSITS = {"$toDouble": "$behaviour.withUs.depositBalance"}
_MARKET = first_of(
    ({"$gt": [_GROWTH, 5]}, "GROWING"),
    ({"$gt": [_GROWTH, 0]}, "STABLE"),
    # Null is less than every number.
    ({"$ne": [_GROWTH, None]}, "SHRINKING"),
)
_BORROWED = {"$multiply": [{"$max": [_GROWTH_SHARE, 0]}, 0.4, part("revenue")]}
_LOAN_DEMAND = {"$cond": [{"$ne": [_GROWTH, None]}, {"$round": [_BORROWED, 2]}, None]}
"""Two fifths of what a growing client adds to its revenue is borrowed. $max leaves null out."""

FORECAST = group(
    "forecast",
    "Forecast",
    "What is expected of the client and its market in the coming year (市場預測).",
    code(
        "market",
        "Market",
        "Expected direction of the client's market.",
        {"GROWING": "Growing", "STABLE": "Stable", "SHRINKING": "Shrinking"},
        formula=_MARKET,
    ),
    number(
        "revenueGrowth",
        "Revenue growth",
        "Expected growth of revenue or income.",
        unit="%",
        formula=formula({"$round": [{"$multiply": [_GROWTH, 0.8]}, 1]}),
    ),
    number(
        "depositBalance",
        "Deposits",
        "Expected deposits with us in a year.",
        unit="CNY",
        minimum=0,
        formula=formula({"$round": [{"$multiply": [_DEPOSITS, {"$add": [1, _GROWTH_SHARE]}]}, 2]}),
    ),
    number(
        "loanDemand",
        "Loan demand",
        "Expected demand for new loans in a year.",
        unit="CNY",
        minimum=0,
        formula=formula(_LOAN_DEMAND),
    ),
    _share("confidence", "Confidence", "How sure the forecast is"),
    string("model", "Model", "Name and version of the model that made the forecast.", max_length=80),
    past_moment("computedAt", "Computed at", "When the forecast was made."),
)

DERIVED: Rows = facet(Facet.DERIVED, VALUE, PURCHASES, RATIOS, CREDIT, FORECAST, owner="analytics")
