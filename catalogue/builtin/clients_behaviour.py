"""The behaviour: contacts, visits, purchasing, sales, finances, business with us and with others, money flows.

Source: 「聯絡記錄、客戶拜訪報告、采購方式以及財務狀況」
"""

from catalogue.attribute import Facet
from catalogue.builtin.channels import CHANNELS
from catalogue.builtin.clients_contacts import CONTACTS
from catalogue.builtin.rows import (
    DAYS,
    INTERNAL,
    ORGANISATIONS,
    PERSONS,
    PUBLIC,
    RESTRICTED,
    Rows,
    client,
    code,
    day,
    decimal,
    facet,
    flag,
    group,
    group_list,
    having,
    number,
    past_day,
    past_moment,
    string,
    url,
    whole,
)

PRODUCTS = {
    "CURRENT_ACCOUNT": "Current account",
    "TIME_DEPOSIT": "Time deposit",
    "WORKING_CAPITAL_LOAN": "Working capital loan",
    "INVESTMENT_LOAN": "Investment loan",
    "HOUSING_LOAN": "Housing loan",
    "PERSONAL_LOAN": "Personal loan",
    "CARD": "Card",
    "TRADE_FINANCE": "Trade finance",
    "LEASING": "Leasing",
    "FACTORING": "Factoring",
    "CASH_MANAGEMENT": "Cash management",
    "PAYROLL": "Payroll",
    "FOREIGN_EXCHANGE": "Foreign exchange",
    "FUNDS": "Funds",
    "WEALTH_MANAGEMENT": "Wealth management",
    "INSURANCE": "Insurance",
}
CURRENCIES = {
    "CNY": "Renminbi",
    "USD": "United States dollar",
    "EUR": "Euro",
    "GBP": "Pound sterling",
    "HKD": "Hong Kong dollar",
    "JPY": "Japanese yen",
    "SGD": "Singapore dollar",
    "CHF": "Swiss franc",
}
MONTHS = {
    "JAN": "January",
    "FEB": "February",
    "MAR": "March",
    "APR": "April",
    "MAY": "May",
    "JUN": "June",
    "JUL": "July",
    "AUG": "August",
    "SEP": "September",
    "OCT": "October",
    "NOV": "November",
    "DEC": "December",
}


def _amount(path: str, label: str, description: str, **more: object) -> Rows:
    return number(path, label, description, unit="reporting currency", **more)


FINANCIALS = group(
    "financials",
    "Financial status",
    "The latest yearly accounts and market figures (財務狀況).",
    whole("year", "Year", "Year that the accounts are for.", unit="year", minimum=1900, maximum=2200),
    code("currency", "Reporting currency", "Currency of every amount in this group.", CURRENCIES),
    past_day("reportedOn", "Reported on", "Day on which the accounts were made public or handed in."),
    flag("isAudited", "Audited", "Says whether an auditor has confirmed the accounts."),
    string("auditor", "Auditor", "Name of the auditing firm.", max_length=200),
    _amount("revenue", "Revenue", "Sales of the year.", is_sortable=True),
    _amount("operatingProfit", "Operating profit", "Profit before interest and taxes."),
    _amount("ebitda", "EBITDA", "Profit before interest, taxes, depreciation and amortisation."),
    _amount("netProfit", "Net profit", "Profit after taxes; a loss is negative.", is_sortable=True),
    _amount("interestExpense", "Interest expense", "Interest paid on debt in the year.", minimum=0),
    _amount("totalAssets", "Total assets", "Sum of everything owned.", minimum=0, is_sortable=True),
    _amount("currentAssets", "Current assets", "Assets that turn into cash within a year.", minimum=0),
    _amount("inventory", "Inventory", "Value of goods in stock.", minimum=0),
    _amount("receivables", "Receivables", "Amounts that customers still owe.", minimum=0),
    _amount("cash", "Cash", "Cash and what can be used as cash.", minimum=0),
    _amount("totalLiabilities", "Total liabilities", "Sum of everything owed.", minimum=0),
    _amount("currentLiabilities", "Current liabilities", "Debts due within a year.", minimum=0),
    _amount("operatingCashFlow", "Operating cash flow", "Cash that the business brought in or used up."),
    _amount(
        "marketCap",
        "Market capitalisation",
        "Price of all shares together.",
        minimum=0,
        is_sortable=True,
        sensitivity=PUBLIC,
    ),
    _amount("sharePrice", "Share price", "Latest price of one share.", minimum=0, sensitivity=PUBLIC),
    _amount("yearLow", "52-week low", "Lowest share price of the last 52 weeks.", minimum=0, sensitivity=PUBLIC),
    _amount("yearHigh", "52-week high", "Highest share price of the last 52 weeks.", minimum=0, sensitivity=PUBLIC),
    _amount(
        "earningsPerShare", "Earnings per share", "Net profit divided by the number of shares.", sensitivity=PUBLIC
    ),
    number("priceEarnings", "Price to earnings", "Share price divided by earnings per share.", sensitivity=PUBLIC),
    number("priceSales", "Price to sales", "Market capitalisation divided by revenue.", sensitivity=PUBLIC),
    number("priceBook", "Price to book", "Market capitalisation divided by equity.", sensitivity=PUBLIC),
    number(
        "dividendYield",
        "Dividend yield",
        "Dividend of a year divided by the share price; 0.02 is two per cent.",
        minimum=0,
        sensitivity=PUBLIC,
    ),
    url("filingsUrl", "Filings", "Address of the filings at the market's regulator.", sensitivity=PUBLIC),
    applies_to=ORGANISATIONS,
    max_age_hours=400 * DAYS,
    owner="credit-analysis",
)

TRADE = having(
    group(
        "purchasing",
        "Purchasing ways",
        "How the organisation buys (采購方式).",
        code(
            "channel",
            "Channel",
            "Way in which most purchases are made.",
            {
                "DIRECT": "Directly from the maker",
                "DISTRIBUTOR": "From distributors",
                "TENDER": "By tender",
                "PLATFORM": "On an online platform",
                "GROUP": "Through the parent's purchasing",
            },
        ),
        code(
            "frequency",
            "Frequency",
            "How often orders are placed.",
            {"DAILY": "Daily", "WEEKLY": "Weekly", "MONTHLY": "Monthly", "QUARTERLY": "Quarterly", "YEARLY": "Yearly"},
        ),
        string("products", "Products", "Goods and services that are bought most.", is_list=True, max_length=120),
        string("suppliers", "Suppliers", "Names of the main suppliers.", is_list=True, max_length=200),
        number("annualSpend", "Spend in a year", "Amount spent on purchases in a year.", unit="CNY", minimum=0),
        whole("paymentDays", "Days to pay", "Days after which suppliers are paid.", unit="days", minimum=0),
        whole("decisionDays", "Days to decide", "Days from a first talk to a decision to buy.", unit="days", minimum=0),
    ),
    group(
        "sales",
        "Sales",
        "How and where the organisation sells.",
        string("markets", "Markets", "Countries or regions where it sells.", is_list=True, max_length=80),
        string("customers", "Customers", "Names of the main customers.", is_list=True, max_length=200),
        code(
            "channels",
            "Channels",
            "Ways in which it sells.",
            {
                "DIRECT": "Own sales force",
                "SHOP": "Own shops",
                "DISTRIBUTOR": "Distributors",
                "ONLINE": "Online",
                "TENDER": "Tenders",
            },
            is_list=True,
        ),
        number("exportShare", "Export share", "Share of sales abroad.", unit="%", minimum=0, maximum=100),
        whole("collectionDays", "Days to collect", "Days after which customers pay.", unit="days", minimum=0),
    ),
    applies_to=ORGANISATIONS,
)

PERSONAL_FINANCE = group(
    "household",
    "Household finances",
    "Income, wealth and debt of a person's household.",
    decimal("annualIncome", "Income in a year", "Income of the household before taxes.", unit="CNY", minimum=0),
    code(
        "incomeSource",
        "Source of income",
        "Where most of the income comes from.",
        {"SALARY": "Salary", "BUSINESS": "Business", "PENSION": "Pension", "CAPITAL": "Capital", "SUPPORT": "Support"},
    ),
    decimal("assets", "Wealth", "Value of everything the household owns.", unit="CNY", minimum=0),
    decimal("debt", "Debt", "Sum of everything the household owes.", unit="CNY", minimum=0),
    applies_to=PERSONS,
    max_age_hours=400 * DAYS,
)

BANKING = having(
    group(
        "withUs",
        "Business with us",
        "Products and balances that the client has with this bank.",
        code("products", "Products", "Products that the client holds.", PRODUCTS, is_list=True),
        string(
            "account",
            "Main account",
            "Number of the main account.",
            max_length=34,
            sensitivity=RESTRICTED,
            is_lookup=True,
        ),
        past_day("accountOpenedOn", "Account opened on", "Day on which the main account was opened."),
        decimal("depositBalance", "Deposits", "Deposits at the end of yesterday.", unit="CNY", is_sortable=True),
        decimal("averageBalance", "Average balance", "Average balance of the accounts over the year.", unit="CNY"),
        decimal(
            "loanBalance", "Loans", "Loans drawn at the end of yesterday.", unit="CNY", minimum=0, is_sortable=True
        ),
        decimal("creditLimit", "Credit limit", "Sum of the granted credit lines.", unit="CNY", minimum=0),
        decimal("investmentBalance", "Investments", "Funds and wealth products held.", unit="CNY", minimum=0),
        decimal("feeIncome", "Fees", "Fees that the bank earned in the last 12 months.", unit="CNY"),
        decimal("interestIncome", "Interest income", "Interest earned in the last 12 months.", unit="CNY"),
        whole(
            "overdueDays", "Days overdue", "Days since the oldest unpaid instalment was due.", unit="days", minimum=0
        ),
        flag("hasDefaulted", "In default", "Says whether a credit of the client is in default."),
        flag("hasHousingLoan", "Housing loan", "Says whether the client has a housing loan."),
        flag("hasPersonalLoan", "Personal loan", "Says whether the client has a personal loan."),
        flag("hasMobileBanking", "Mobile banking", "Says whether the client uses mobile banking."),
        max_age_hours=7 * DAYS,
    ),
    group_list(
        "otherBanks",
        "Business with other banks",
        "What the client has with other banks, as far as it is known.",
        string("bank", "Bank", "Name of the other bank.", max_length=120),
        code("products", "Products", "Products that the client holds there.", PRODUCTS, is_list=True),
        decimal("depositBalance", "Deposits", "Estimated deposits with that bank.", unit="CNY", minimum=0),
        decimal("loanBalance", "Loans", "Estimated loans from that bank.", unit="CNY", minimum=0),
        number("loanRate", "Loan rate", "Yearly interest rate of the loans there.", unit="%", minimum=0, maximum=100),
        day("maturesOn", "Matures on", "Day on which the biggest loan there falls due."),
        max_age_hours=180 * DAYS,
    ),
    group_list(
        "guarantors",
        "Guarantors",
        "Who stands surety for the client's debts.",
        string("name", "Name", "Name of the guarantor.", max_length=200),
        client("client", "Client", "The guarantor, where it is a client of the bank."),
        decimal("amount", "Amount", "Highest amount of the guarantee.", unit="CNY", minimum=0),
        day("expiresOn", "Expires on", "Day on which the guarantee ends."),
    ),
    group(
        "moneyFlows",
        "Money flows",
        "Money in and out of the client's accounts with us.",
        decimal("inflow90d", "Money in", "Money received in the last 90 days.", unit="CNY", minimum=0),
        decimal("outflow90d", "Money out", "Money sent in the last 90 days.", unit="CNY", minimum=0),
        decimal(
            "largestTransfer",
            "Largest transfer",
            "Largest single amount in 90 days (大額資金流動).",
            unit="CNY",
            minimum=0,
        ),
        past_moment("largestTransferAt", "Largest transfer at", "When the largest transfer was booked."),
        number(
            "crossBorderShare",
            "Across borders",
            "Share of the money that crossed a border.",
            unit="%",
            minimum=0,
            maximum=100,
        ),
        string("counterparties", "Counterparties", "Who sends and receives most.", is_list=True, max_length=200),
        max_age_hours=7 * DAYS,
    ),
)

PURCHASES = group(
    "purchases",
    "Purchases from us",
    "How often the client has taken a product or a paid service from us, and what we earned by it.",
    whole("count", "Purchases", "Number of purchases so far, the first one included.", unit="purchases", minimum=0),
    past_day("firstOn", "First purchase on", "Day of the first purchase."),
    past_day("lastOn", "Last purchase on", "Day of the last purchase."),
    decimal(
        "averageAmount",
        "Earned by a purchase",
        "What the bank earned on average by a purchase after the first one, or by the first where there is no other.",
        unit="CNY",
        minimum=0,
    ),
    max_age_hours=40 * DAYS,
)

CAMPAIGN = group(
    "campaign",
    "Last campaign",
    "How the client took part in the last sales campaign.",
    code("channel", "Channel", "How the client was reached.", CHANNELS),
    whole("contactDay", "Day of the month", "Day of the month of the last contact.", minimum=1, maximum=31),
    code("contactMonth", "Month", "Month of the last contact.", MONTHS),
    whole("durationSeconds", "Duration", "How long the last contact took.", unit="s", minimum=0),
    whole("contactCount", "Contacts", "Number of contacts in this campaign.", unit="contacts", minimum=0),
    whole("daysSincePrevious", "Days between", "Days since a contact of the campaign before.", unit="days", minimum=0),
    whole(
        "previousContactCount",
        "Earlier contacts",
        "Number of contacts before this campaign.",
        unit="contacts",
        minimum=0,
    ),
    code(
        "previousOutcome",
        "Earlier outcome",
        "Outcome of the campaign before.",
        {"SUCCESS": "Success", "FAILURE": "Failure", "OTHER": "Other"},
    ),
    flag("hasSubscribed", "Subscribed", "Says whether the client took the offered product."),
    sensitivity=INTERNAL,
    owner="sales-management",
    is_expected=False,
)

BEHAVIOUR: Rows = facet(
    Facet.BEHAVIOUR,
    CONTACTS,
    FINANCIALS,
    TRADE,
    PERSONAL_FINANCE,
    BANKING,
    PURCHASES,
    CAMPAIGN,
    owner="relationship-banking",
)
