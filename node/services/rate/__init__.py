"""What currencies are worth, and exchanges of one for another at a price that holds for a while."""
