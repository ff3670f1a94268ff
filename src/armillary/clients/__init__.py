"""Typed HTTP clients, one for each service; together they are the public Python SDK."""
