"""What a text is about, by plain offline methods: language, keywords, summary, entities."""
