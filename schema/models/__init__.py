"""Registered models in GraphQL."""
