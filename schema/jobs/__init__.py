"""The GraphQL of jobs."""
