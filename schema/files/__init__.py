"""The GraphQL of files."""
