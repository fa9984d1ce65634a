"""The rule table of the policy in GraphQL."""
