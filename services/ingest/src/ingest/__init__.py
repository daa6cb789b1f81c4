"""Takes documents in and answers what became of them."""
