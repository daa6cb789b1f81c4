"""SQL on the schema `ingest`: one module a table, functions inside the caller's transaction."""
