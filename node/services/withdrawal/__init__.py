"""Money that leaves by the chain: asked for, held, decided, sent, final."""
