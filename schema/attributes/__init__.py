"""The GraphQL of attribute definitions."""
