"""Markets: the shops of merchants, and the terms that each of them sells under."""
