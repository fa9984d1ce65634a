"""The GraphQL of relationship managers."""
