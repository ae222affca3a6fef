"""Keys that the node itself holds. Only this package sees them; everybody else gets a `Signer`."""
