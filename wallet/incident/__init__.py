"""What does not fit together about money, until an operator says why and what was done."""
