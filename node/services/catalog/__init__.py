"""The catalogue: products, their prices, and how many of each can be sold."""
