"""Whether an operation may run, and for how long: cost, what its person has spent, the room there is, the deadline."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from graphql import ExecutionResult, GraphQLError, OperationDefinitionNode, OperationType

from api.answers import Answers, Asked
from api.deadlines import Deadlines
from api.errors import RETRY_SECONDS, HttpRefusal, InvalidDocument, RateLimited, original_of, refusal_from, retry_after
from api.lanes import Lane, Lanes, PersonsShare, Work, work_of
from api.rates import Rates
from api.settings import Settings
from catalogue.errors import ErrorCode
from repositories.deadline import EndingWithin
from schema.planning.cost import LEAVES_A_DOCUMENT, SCAN_DOCUMENTS

Run = Callable[[], Awaitable[ExecutionResult]]


class Admission:
    """What one server process lets in."""

    def __init__(self, settings: Settings) -> None:
        self.cost_limit = settings.cost_limit
        self.command_seconds = settings.mongo_timeout_seconds
        self.lanes = Lanes(settings)
        self.rates = Rates(settings)
        self.reading = Deadlines(settings.request_read_seconds)
        self.sockets = PersonsShare(settings.sockets_per_person)
        self.unread = PersonsShare(settings.unread_answers_per_person)
        self._deadlines = {
            Work.INTERACTIVE: Deadlines(settings.operation_seconds),
            Work.BULK: Deadlines(settings.bulk_operation_seconds),
        }

    def guard(self, person: str) -> "Guard":
        """The gate for the operations of a person."""
        return Guard(self, person)

    def check_unread(self, person: str) -> None:
        """Nothing, where the person reads the answers that were made for them.

        Raises: RateLimited.
        """
        if self.unread.is_full(person):
            message = "As many answers as you may have at once are on their way to you, and not read. Read them first."
            raise RateLimited(message, RETRY_SECONDS)

    async def check_room(self) -> None:
        """Nothing, while there is room for what most requests are; before their body and token are looked at.

        Raises: HttpRefusal 503.
        """
        await self.lanes.by_work[Work.INTERACTIVE].check()

    def deadlines(self, work: Work) -> Deadlines:
        """How long an operation of this class may run."""
        return self._deadlines[work]


@dataclass(slots=True)
class Guard:
    """The gate that an operation of one person goes through; to its resolvers, the person's counts."""

    admission: Admission
    person: str

    async def check(self, what: str) -> None:
        """Raises: RateLimited, while the person is held back."""
        self.admission.rates.check(self.person, what)

    async def spend(self, what: str, count: int = 1) -> None:
        """Raises: RateLimited, where that is more than there is."""
        if count:
            await self.admission.rates.spend(self.person, what, count)

    async def admitted(self, operation: OperationDefinitionNode, answers: Answers, asked: Asked | None) -> Lane:
        """The lane that the operation has a place in now; whoever gets it leaves it again.

        Raises: InvalidDocument of the code TOO_EXPENSIVE; HttpRefusal 503; RateLimited.
        """
        figure = 0.0 if asked is None else answers.figure(asked)
        if asked is not None and figure > self.admission.cost_limit:
            raise too_expensive(answers, asked, self.admission.cost_limit)
        lane = self.admission.lanes.by_work[work_of(operation)]
        await lane.enter()
        try:
            await self.admission.rates.spend_cost(self.person, figure)
        except BaseException:
            lane.leave()
            raise
        return lane

    async def carried_out(
        self, operation: OperationDefinitionNode, answers: Answers, asked: Asked | None, run: Run
    ) -> ExecutionResult:
        """The result of a query or mutation that may run, and is done in time.

        Raises: what `admitted` raises; HttpRefusal 503 when the time is over, 429 for a query that looked up too much.
        """
        lane = await self.admitted(operation, answers, asked)
        try:
            deadlines = self.admission.deadlines(lane.work)
            limit = deadlines.limit()
            try:
                with limit, EndingWithin(deadlines.seconds, self.admission.command_seconds):
                    result = await run()
            except TimeoutError:
                raise out_of_time(operation, deadlines.seconds) from None
        finally:
            lane.leave()
        if result.errors and operation.operation is OperationType.QUERY:
            _refuse_limited(result.errors)
        return result


def too_expensive(answers: Answers, asked: Asked, limit: int) -> InvalidDocument:
    """The refusal of an operation that costs more than one may."""
    cost = answers.cost(asked)
    if cost is None:
        raise ValueError("an operation without a cost is within every limit")
    parts = [f"{cost.documents:,} documents", f"{cost.leaves:,} leaves / {LEAVES_A_DOCUMENT}"]
    if cost.scans:
        parts.append(f"{cost.scans} x {SCAN_DOCUMENTS} for scans")
    dearest = cost.dearest
    most = "" if dearest is None else f" Most of it is read for {dearest}."
    message = (
        f"The operation costs {cost.cost:,.2f} ({' + '.join(parts)}); the limit is {limit:,}.{most} "
        "Ask for smaller pages, fewer fields or fewer levels of lists, or send several operations."
    )
    more = {"cost": cost.cost, "limit": limit, "dearest": dearest}
    return InvalidDocument([GraphQLError(message)], ErrorCode.TOO_EXPENSIVE, more)


def out_of_time(operation: OperationDefinitionNode, seconds: float) -> HttpRefusal:
    """The refusal of an operation that took too long."""
    advice = (
        "Whether the change was made is not known: send it again with the same idempotencyKey, and it is made once."
        if operation.operation is OperationType.MUTATION
        else "Ask for less, or try again in a moment."
    )
    message = f"The operation was ended because it took longer than {seconds:g} s. {advice}"
    return HttpRefusal(503, ErrorCode.UNAVAILABLE, message, retry_after(RETRY_SECONDS))


def _refuse_limited(errors: list[GraphQLError]) -> None:
    """Raises: HttpRefusal 429, if a resolver found that the person has spent too much."""
    for each in errors:
        original = original_of(each)
        if isinstance(original, RateLimited):
            raise refusal_from(original)
