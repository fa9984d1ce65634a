"""One operation on one edition: prepare (parse, validate, remember), run, answer."""

import sys
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing
from dataclasses import dataclass
from hashlib import sha256
from inspect import isawaitable
from typing import Any, Protocol

from graphql import (
    ASTValidationRule,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    execute,
    specified_rules,
    subscribe,
    validate,
)
from graphql.language import DocumentNode
from strawberry import Schema

from api.admission import Guard
from api.answers import Answers, Asked, shown_cost
from api.auditing import UNAUDITED, Auditing
from api.document_caps import DocumentCaps, check_caps
from api.errors import (
    BAD_USER_INPUT,
    VALIDATION_FAILED,
    Answer,
    InvalidDocument,
    formatted_errors,
    is_of_arguments,
    outage_of,
)
from api.graphql_request import GraphQLRequest
from api.limits import capped_parse, check_length
from api.wording import argument_errors, document_errors, variable_errors
from policy.viewer import Viewer
from repositories.access import Touched
from repositories.compile.audit import Deed
from schema.context import RESTRICTED_VALUES, Spending
from schema.planning.operation import Fetched, Incomplete

_EDITIONS_KEPT = 24
_ERRORS_LISTED = 20
# Longer documents are generated ones; a few of them would push every screen's query out of memory.
_LONGEST_KEPT_CHARACTERS = 50_000


class ServedEdition(Protocol):
    """What an edition must offer to be served."""

    @property
    def version(self) -> str: ...
    @property
    def key(self) -> str:
        """What tells the documents of one schema from those of another."""

    @property
    def schema(self) -> Schema: ...
    @property
    def sdl(self) -> str: ...
    def shown_schema(self) -> GraphQLSchema:
        """The schema that the caller's roles may know of: it words the errors."""


class HeldEdition(ServedEdition, Protocol):
    """An edition that somebody looks at, and that a stream holds on to."""

    def holds_beside(self, newest: Any, viewer: Viewer) -> bool:
        """Whether somebody may stay on this edition beside the newest one."""


class Seen(Protocol):
    """An edition before anybody looks at it."""

    def seen_by(self, viewer: Viewer) -> HeldEdition: ...


class EditionSource(Protocol):
    """Where the edition of the moment comes from."""

    @property
    def current(self) -> Seen: ...


BuildContext = Callable[[Viewer, Any, Spending], object]
"""From who asks, the edition and the counts of the person to what the resolvers get."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that is valid on one edition, with its operations by name."""

    query: str
    document: DocumentNode
    operations: dict[str | None, OperationDefinitionNode]
    answers: Answers
    digest: str
    """The SHA-256 of the text, in hex."""

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation that a request means.

        Raises: InvalidDocument if there is none of that name, or no name and several operations.
        """
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        found = self.operations.get(name)
        if found is not None:
            return found
        message = (
            f"The document has no operation named '{name}'."
            if name is not None
            else "The document needs exactly one operation, or operationName must say which one runs."
        )
        raise InvalidDocument([GraphQLError(message, extensions={"code": BAD_USER_INPUT})], BAD_USER_INPUT)


class Documents:
    """Valid documents by edition and text, so that each is parsed and validated once.

    Cost: bounded in editions, documents and characters; what is invalid is not kept.
    """

    def __init__(
        self,
        entries: int,
        limit_tokens: int,
        rules: Collection[type[ASTValidationRule]] = specified_rules,
        caps: DocumentCaps | None = None,
        limit_characters: int = sys.maxsize,
    ) -> None:
        self._entries = entries
        self._limit_tokens = limit_tokens
        self._limit_characters = limit_characters
        self._rules = tuple(rules)
        self._caps = caps
        self._by_edition: OrderedDict[str, OrderedDict[str, Prepared]] = OrderedDict()

    def prepare(self, edition: ServedEdition, query: str) -> Prepared:
        """The checked document.

        Raises: InvalidDocument.
        """
        kept = self._kept(edition.key)
        found = kept.get(query)
        if found is not None:
            kept.move_to_end(query)
            return found
        try:
            prepared = self._checked(edition, query)
        except InvalidDocument as problem:
            problem.query = query
            raise
        if self._entries and len(query) <= _LONGEST_KEPT_CHARACTERS:
            kept[query] = prepared
            if len(kept) > self._entries:
                kept.popitem(last=False)
        return prepared

    def _kept(self, key: str) -> OrderedDict[str, Prepared]:
        kept = self._by_edition.get(key)
        if kept is None:
            kept = self._by_edition[key] = OrderedDict()
            if len(self._by_edition) > _EDITIONS_KEPT:
                self._by_edition.popitem(last=False)
        return kept

    def _checked(self, edition: ServedEdition, query: str) -> Prepared:
        try:
            check_length(query, self._limit_characters)
            document = capped_parse(query, self._limit_tokens)
            # Before the validation, some of whose rules compare every field with every other one.
            if self._caps is not None:
                check_caps(document, self._caps)
        except GraphQLError as error:
            raise InvalidDocument([error], VALIDATION_FAILED) from None
        errors = validate(core_schema(edition), document, self._rules, max_errors=_ERRORS_LISTED, hide_suggestions=True)
        if errors:
            worded = document_errors(errors, document, edition.shown_schema(), self._rules)
            raise InvalidDocument(worded, VALIDATION_FAILED)
        operations = {
            node.name.value if node.name else None: node
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode)
        }
        return Prepared(query, document, operations, Answers(document), text_digest(query))


def core_schema(edition: ServedEdition) -> GraphQLSchema:
    """The graphql-core schema of an edition."""
    # Strawberry gives it no public name, and its own execute() parses and validates anew for every request.
    return edition.schema._schema


def text_digest(query: str) -> str:
    """The SHA-256 of a GraphQL text, in hex."""
    return sha256(query.encode("utf-8", "surrogatepass")).hexdigest()


def deed_of(edition: ServedEdition, prepared: Prepared, request: GraphQLRequest) -> Deed:
    """What is asked for, as the audit calls it."""
    operation = prepared.operation(request.operation_name)
    name = operation.name.value if operation.name else None
    return Deed(operation.operation.value, name, prepared.digest, edition.version)


async def run(
    edition: ServedEdition,
    prepared: Prepared,
    request: GraphQLRequest,
    context: object,
    guard: Guard | None = None,
    audit: Auditing = UNAUDITED,
) -> ExecutionResult:
    """The result of a query or mutation; what the resolvers raise is among its errors.

    Strawberry's schema extensions do not run here: what they would do belongs to this module.
    Raises: NotAudited; with a guard, what that raises: nothing ran then, or was not done in time.
    """
    operation, deed = prepared.operation(request.operation_name), deed_of(edition, prepared, request)
    asked = prepared.answers.asked(edition.schema, operation, request.variables or {})
    cost = cost_asked_for(prepared, request, asked, guard) if request.extensions else None

    touched: Touched | None = getattr(context, "touched", None)

    async def work() -> ExecutionResult:
        try:
            result = await _carried_out(edition, prepared, request, context, asked)
            _put_in_words(result, edition, operation, request)
            outage = outage_of(result) if result.errors else None
            if outage is not None:
                raise outage
            if guard is not None and touched is not None and touched.restricted:
                await guard.spend(RESTRICTED_VALUES, touched.restricted)
            return result
        except BaseException:
            audit.broke_off(deed, context)
            raise

    result = await (work() if guard is None else guard.carried_out(operation, prepared.answers, asked, work))
    await audit.answered(deed, context, result)
    extensions = {**(cost or {}), **_hidden(touched)}
    if extensions:
        result.extensions = extensions
    return result


def _put_in_words(
    result: ExecutionResult, edition: ServedEdition, operation: OperationDefinitionNode, request: GraphQLRequest
) -> None:
    """Have the errors that graphql-core worded name what the caller's roles may know of."""
    if not result.errors:
        return
    if not has_run(result):
        result.errors = variable_errors(result.errors, operation, request.variables or {}, edition.shown_schema())
    elif any(is_of_arguments(error) for error in result.errors):
        result.errors = argument_errors(result.errors, edition.shown_schema(), is_of_arguments)


def _hidden(touched: Touched | None) -> dict[str, Any]:
    """The entry `hidden` of the answer's extensions: paths that were selected and, as the viewer may not, not read."""
    return {"hidden": sorted(touched.hidden)} if touched is not None and touched.hidden else {}


def cost_asked_for(
    prepared: Prepared, request: GraphQLRequest, asked: Asked | None, guard: Guard | None
) -> dict[str, Any] | None:
    """The entry `cost` of the answer's extensions, worked out before anything runs.

    None unless the request asks for it by `extensions: {"cost": true}`, and where its variables do not fit.
    """
    if asked is None or request.extensions is None or request.extensions.get("cost") is not True:
        return None
    found = prepared.answers.cost(asked)
    if found is None:
        return None
    return {"cost": shown_cost(found, None if guard is None else guard.admission.cost_limit)}


async def _carried_out(
    edition: ServedEdition, prepared: Prepared, request: GraphQLRequest, context: object, asked: Asked | None
) -> ExecutionResult:
    schema = edition.schema
    root: dict[str, Fetched] | None = None
    compiled = None if asked is None else prepared.answers.find(asked)
    if asked is not None and compiled is not None:
        try:
            return ExecutionResult(await compiled.run(context, asked.variables), None)
        except Incomplete as rest:
            root = rest.fetched
    try:
        result = execute(
            core_schema(edition),
            prepared.document,
            root_value=root,
            context_value=context,
            variable_values=request.variables,
            operation_name=request.operation_name,
            executor_class=schema.execution_context_class,
            hide_suggestions=True,
            operation_extensions=request.extensions,
        )
        return await result if isawaitable(result) else result
    except GraphQLError as error:
        return ExecutionResult(None, [error])


async def events(
    edition: ServedEdition,
    prepared: Prepared,
    request: GraphQLRequest,
    context: object,
    guard: Guard | None = None,
    audit: Auditing = UNAUDITED,
) -> AsyncGenerator[ExecutionResult, None]:
    """The results of any operation, one after the other; a query or mutation has one.

    Raises: as `run`.
    """
    operation = prepared.operation(request.operation_name)
    if operation.operation is not OperationType.SUBSCRIPTION:
        yield await run(edition, prepared, request, context, guard, audit)
        return
    deed = deed_of(edition, prepared, request)
    asked = prepared.answers.asked(edition.schema, operation, request.variables or {})
    cost = cost_asked_for(prepared, request, asked, guard)
    lane = None if guard is None else await guard.admitted(operation, prepared.answers, asked)
    try:
        async with aclosing(_subscribed(edition, prepared, request, context)) as results:
            async for result in results:
                _put_in_words(result, edition, operation, request)
                await audit.answered(deed, context, result)
                if cost is not None and has_run(result):
                    result.extensions = cost
                yield result
    finally:
        if lane is not None:
            lane.leave()


async def _subscribed(
    edition: ServedEdition, prepared: Prepared, request: GraphQLRequest, context: object
) -> AsyncGenerator[ExecutionResult, None]:
    source = subscribe(
        core_schema(edition),
        prepared.document,
        context_value=context,
        variable_values=request.variables,
        operation_name=request.operation_name,
        executor_class=edition.schema.execution_context_class,
        hide_suggestions=True,
        operation_extensions=request.extensions,
    )
    found = await source if isawaitable(source) else source
    if isinstance(found, ExecutionResult):
        yield found
        return
    try:
        async for result in found:
            yield result
    finally:
        close = getattr(found, "aclose", None)
        if close is not None:
            await close()


def answer_from(result: ExecutionResult) -> Answer:
    """The GraphQL answer; the data entry is left out if nothing ran."""
    answer: Answer = {}
    if result.errors:
        answer["errors"] = formatted_errors(result.errors)
    if has_run(result):
        answer["data"] = result.data
    if result.extensions:
        answer["extensions"] = result.extensions
    return answer


def has_run(result: ExecutionResult) -> bool:
    """Whether execution began: there is data, or a field's error made it null."""
    return result.data is not None or any(error.path is not None for error in result.errors or ())
