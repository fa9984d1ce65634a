"""Which attributes a GraphQL document uses: what it selects, filters, orders, groups by and writes."""

from typing import Any

from graphql import (
    DocumentNode,
    EnumValueNode,
    FieldNode,
    GraphQLSchema,
    ObjectFieldNode,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    visit,
)

from catalogue.attribute import CLIENTS
from catalogue.catalogue import Catalogue
from schema.marks import PATHS_OF, mark_of


def attributes_used(schema: GraphQLSchema, catalogue: Catalogue, document: DocumentNode) -> list[str]:
    """The attributes that a document names, by their paths behind their area where that is another than the clients'.

    What a variable will hold is not known: a document that takes `where` as one is not seen to filter by anything. A
    path that stands in it as a text counts, as in `attribute(path: "profile.name")`.
    Order: by path.
    """
    finder = _Finder(TypeInfo(schema), catalogue)
    visit(document, TypeInfoVisitor(finder.types, finder))
    return sorted(finder.found)


class _Finder(Visitor):
    def __init__(self, types: TypeInfo, catalogue: Catalogue) -> None:
        super().__init__()
        self.types = types
        self.found: set[str] = set()
        self._paths = {each.path for each in catalogue.area(CLIENTS).values()}

    def enter_field(self, _node: FieldNode, *_: Any) -> None:
        self._note(self.types.get_field_def())

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
        outer = self.types.get_parent_input_type()
        fields = getattr(None if outer is None else get_named_type(outer), "fields", {})
        self._note(fields.get(node.name.value))

    def enter_enum_value(self, _node: EnumValueNode, *_: Any) -> None:
        type_, value = self.types.get_input_type(), self.types.get_enum_value()
        area = getattr(getattr(None if type_ is None else get_named_type(type_), "wrapped_cls", None), PATHS_OF, None)
        if area is not None and value is not None:
            self._add(area, str(getattr(value.value, "value", value.value)))

    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        if node.value in self._paths:
            self.found.add(node.value)

    def _note(self, element: Any) -> None:
        mark = None if element is None else mark_of(element)
        if mark is not None and mark.path:
            self._add(mark.area, mark.path)

    def _add(self, area: str, path: str) -> None:
        self.found.add(path if area == CLIENTS else f"{area}:{path}")
