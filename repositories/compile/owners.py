"""The clients that may be read, as a filter over the records that belong to them; pure."""

from catalogue.filters import And, Compare, Filter, Or
from repositories.plan import ID


def rows_of_owners(owners: Filter, key: str) -> Filter | None:
    """The records of these clients, by the path of the client's id; None where more than ids is looked at."""
    match owners:
        case Compare(path, operator, value):
            return Compare(key, operator, value) if path == ID else None
        case And(parts) | Or(parts):
            found = tuple(rows_of_owners(each, key) for each in parts)
            known = tuple(each for each in found if each is not None)
            if len(known) < len(found):
                return None
            return And(known) if isinstance(owners, And) else Or(known)
        case _:
            return None
