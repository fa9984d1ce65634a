"""Entry windows in GraphQL."""
