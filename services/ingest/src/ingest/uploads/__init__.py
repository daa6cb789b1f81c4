"""Ways in: the form, the bytes on their way to the store, and the one accept that ends them all."""
