"""Which results are whole and what they follow from, so that equal documents take them over."""
