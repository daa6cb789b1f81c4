"""Uploads with a question: the answer is the summary, and the passages that answer it."""
