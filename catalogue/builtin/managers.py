"""What is known of a relationship manager: name, team, branch, territory and roles."""

from catalogue.builtin.rows import INTERNAL, Rows, code, day, email, flag, having, phone, string

MANAGERS_AREA = "managers"

ROLES = {
    "relationship_manager": "Relationship manager",
    "team_lead": "Team lead",
    "data_steward": "Data steward",
    "risk_officer": "Risk officer",
    "auditor": "Auditor",
    "administrator": "Administrator",
    "integration": "Integration",
}

MANAGERS: Rows = having(
    string(
        "name",
        "Name",
        "Full name of the relationship manager (客戶經理).",
        min_length=1,
        max_length=120,
        is_sortable=True,
        is_searchable=True,
    ),
    string("title", "Title", "Title of the position that the manager holds in the bank.", max_length=120),
    email("email", "E-mail", "Business e-mail address under which the manager is reached.", is_searchable=True),
    phone("phone", "Telephone", "Business telephone number of the manager."),
    string("team", "Team", "Short name of the team that the manager belongs to.", max_length=60, is_sortable=True),
    string("branch", "Branch", "Branch of the bank where the manager works.", max_length=120, is_sortable=True),
    string("region", "Region", "Territory whose clients the manager looks after.", max_length=120, is_sortable=True),
    code("roles", "Roles", "Roles that decide what the manager may see and do.", ROLES, is_list=True),
    day("hiredOn", "Hired on", "Day on which the manager joined the bank."),
    flag("isActive", "Active", "Says whether the manager can be accountable for clients today."),
    area=MANAGERS_AREA,
    sensitivity=INTERNAL,
    owner="sales-management",
)
