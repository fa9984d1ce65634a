"""GraphQL of segments."""
