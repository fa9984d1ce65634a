"""The GraphQL of service accounts."""
