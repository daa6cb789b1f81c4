"""Following documents until they end, over whatever connection there is."""
