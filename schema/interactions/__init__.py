"""The GraphQL of contact records and visit reports."""
