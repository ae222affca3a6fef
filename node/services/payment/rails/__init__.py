"""Ways to pay, a file each: what becomes of the money when a payment is secured, paid out and given back."""
