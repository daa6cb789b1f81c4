"""Docyard for Python: the SDK and the docyard command line."""
