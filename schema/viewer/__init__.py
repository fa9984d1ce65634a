"""The GraphQL of who asks."""
