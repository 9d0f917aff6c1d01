"""The nouns: frozen records, by the part of the plant that they speak of. Pure."""
