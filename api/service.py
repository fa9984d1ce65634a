"""What HTTP, websocket and event streams share: who asks, what is served, and the checked documents."""

from dataclasses import dataclass

from api.execution import BuildContext, Documents, EditionSource, ServedEdition
from api.settings import Settings
from api.viewer import Authenticate, Unauthenticated
from policy.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Service:
    """The parts that one server's GraphQL endpoints are made of."""

    editions: EditionSource
    authenticate: Authenticate
    build_context: BuildContext
    settings: Settings
    documents: Documents

    def edition_for(self, viewer: Viewer) -> ServedEdition:
        """The edition of the moment, as the viewer has it."""
        return self.editions.current.seen_by(viewer)

    def context(self, viewer: Viewer, edition: ServedEdition) -> object:
        """What the resolvers of one operation get."""
        return self.build_context(viewer, edition)

    async def is_signed_in(self, authorization: str | None) -> bool:
        """Whether the token of an open stream still holds."""
        try:
            await self.authenticate(authorization)
        except Unauthenticated:
            return False
        return True
