"""From the catalogue to GraphQL, one artefact a file."""
