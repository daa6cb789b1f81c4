"""Tells people live how far their documents are."""
