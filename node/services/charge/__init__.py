"""What a market charges beyond its prices: tax by country, and shipping."""
