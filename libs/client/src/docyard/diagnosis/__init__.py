"""What is wrong with a Docyard, seen from its user's side, and what to do about it."""
