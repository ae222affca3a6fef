"""What two books say of the same money, held against each other by schedule and on demand."""
