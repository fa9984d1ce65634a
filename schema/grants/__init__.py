"""Access to single clients in GraphQL."""
