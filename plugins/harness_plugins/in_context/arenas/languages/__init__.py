"""Laws of tokens: languages of which every sequence has one of its own."""
