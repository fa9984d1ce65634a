"""The GraphQL of clients: what people ask for beyond plain attributes."""
