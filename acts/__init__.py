"""Business verbs: plain async functions that GraphQL, the command line and the worker all call."""
