"""Money from one wallet to another: to a phone, a handle, an address, or whoever asked for it by a link."""
