"""What a language model adds to the analysis of a document, where one is configured."""
