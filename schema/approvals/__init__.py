"""The GraphQL of approvals."""
