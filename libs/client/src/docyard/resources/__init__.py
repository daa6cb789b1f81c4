"""The calls of Docyard, grouped by what they are about."""
