"""Words of markets and products in other languages than the market's own."""
