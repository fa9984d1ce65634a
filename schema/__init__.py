"""GraphQL words only: types, inputs and fields, derived from the catalogue wherever they can be."""
