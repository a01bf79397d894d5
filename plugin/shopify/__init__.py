"""Speaks to the platform: signatures, tokens, Admin GraphQL and effects."""
