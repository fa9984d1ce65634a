"""What is computed from the other facets: purchase model, ratios, rating, forecast, value, segment and risk.

Source: 「采購模型、經營狀況比率、信用評級以及市場預測」
"""

from catalogue.attribute import Facet
from catalogue.builtin.clients_behaviour import PRODUCTS
from catalogue.builtin.rows import (
    INTERNAL,
    ORGANISATIONS,
    Rows,
    code,
    facet,
    group,
    having,
    moment,
    number,
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
    whole("productCount", "Product count", "Number of products held with us.", unit="products", minimum=0),
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
    ),
    _share("purchaseProbability", "Chance of a purchase", "Chance of a new product within 90 days"),
    code("nextBestProduct", "Next best product", "Product that fits the client best and is not held yet.", PRODUCTS),
)

RATIOS = having(
    number("debtRatio", "Debt ratio", "Total liabilities divided by total assets.", minimum=0, is_sortable=True),
    number("currentRatio", "Current ratio", "Current assets divided by current liabilities.", minimum=0),
    number("quickRatio", "Quick ratio", "Current assets without inventory divided by current liabilities."),
    number("netMargin", "Net margin", "Net profit divided by revenue."),
    number("returnOnAssets", "Return on assets", "Net profit divided by total assets."),
    number("returnOnEquity", "Return on equity", "Net profit divided by assets less liabilities."),
    number("assetTurnover", "Asset turnover", "Revenue divided by total assets.", minimum=0),
    number("interestCoverage", "Interest coverage", "Operating profit divided by interest expense."),
    number("receivableDays", "Receivable days", "Receivables divided by a day's revenue.", unit="days", minimum=0),
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

FORECAST = group(
    "forecast",
    "Forecast",
    "What is expected of the client and its market in the coming year (市場預測).",
    code(
        "market",
        "Market",
        "Expected direction of the client's market.",
        {"GROWING": "Growing", "STABLE": "Stable", "SHRINKING": "Shrinking"},
    ),
    number("revenueGrowth", "Revenue growth", "Expected growth of revenue or income.", unit="%"),
    number("depositBalance", "Deposits", "Expected deposits with us in a year.", unit="CNY", minimum=0),
    number("loanDemand", "Loan demand", "Expected demand for new loans in a year.", unit="CNY", minimum=0),
    _share("confidence", "Confidence", "How sure the forecast is"),
    string("model", "Model", "Name and version of the model that made the forecast.", max_length=80),
    moment("computedAt", "Computed at", "When the forecast was made."),
)

DERIVED: Rows = facet(Facet.DERIVED, VALUE, PURCHASES, RATIOS, CREDIT, FORECAST, owner="analytics")
