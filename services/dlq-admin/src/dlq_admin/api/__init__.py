"""HTTP: routes, the models of what they answer, and the translation of refusals."""
