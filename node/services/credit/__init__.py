"""Money that waits in our contracts, because its receiver refused it when it was paid out."""
