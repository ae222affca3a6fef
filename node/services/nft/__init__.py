"""Collections, tokens, their metadata and their past."""
