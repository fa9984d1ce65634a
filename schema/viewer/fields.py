"""`viewer`: who is signed in, as the policy sees them."""

from datetime import UTC, datetime
from typing import Any

import strawberry

from policy.rules import Right
from policy.viewer import Viewer
from schema.context import Context
from schema.enums import RIGHT_MEANINGS
from schema.fields import Fields, output_type, plain, resolved


def viewer_queries(manager: Fields) -> Fields:
    """The field of Query about the viewer; `manager` is the field that leads to the directory's record."""
    made: Any = output_type(
        "Viewer",
        "Who is signed in: a person of the directory, or a service account.",
        (
            ("person", str, plain("person", "The name in the directory of managers; the id of a service account.")),
            *manager,
            ("roles", list[str], plain("roles", "The roles of the directory that this sign-in has.")),
            ("team", str | None, plain("team", "The team, by the directory.")),
            ("region", str | None, plain("region", "The region, by the directory.")),
            ("purpose", str | None, plain("purpose", _PURPOSE)),
            ("isServiceAccount", bool, plain("isServiceAccount", "Whether this is a program.")),
            ("scopes", list[str] | None, plain("scopes", "What a service account was granted; null for people.")),
            ("expiresAt", datetime | None, plain("expiresAt", "When the sign-in ends.")),
            ("purposes", list[str], plain("purposes", "The purposes with which RESTRICTED attributes are read.")),
            *((right_field(each), bool, plain(right_field(each), text)) for each, text in RIGHT_MEANINGS.items()),
        ),
    )

    async def viewer(info: strawberry.Info) -> Any:
        context: Context = info.context
        access = context.repositories.access
        rights = access.rights(context.viewer)
        may = {right_field(each): Right(each) in rights for each in RIGHT_MEANINGS}
        return {**_viewer_value(context.viewer), **may, "purposes": access.purposes(context.viewer)}

    yield "viewer", None, resolved(viewer, "viewer", made, "Who is signed in.")


def right_field(right: str) -> str:
    """viewerCanChangeClients from CHANGE_CLIENTS."""
    return "viewerCan" + "".join(word.capitalize() for word in right.split("_"))


_PURPOSE = "What the data are wanted for, as the header Kehu-Purpose says."


def _viewer_value(viewer: Viewer) -> dict[str, Any]:
    """A viewer as its fields are read from it."""
    value: dict[str, Any] = {
        "person": viewer.person,
        "roles": sorted(viewer.roles),
        "team": viewer.team,
        "region": viewer.region,
        "purpose": viewer.purpose,
        "isServiceAccount": viewer.is_service_account,
        "scopes": None if viewer.scopes is None else sorted(viewer.scopes),
        "expiresAt": None if viewer.expires_at is None else datetime.fromtimestamp(viewer.expires_at, UTC),
    }
    return value if viewer.manager_id is None else value | {"managerId": viewer.manager_id}
