"""What markets have earned, paid out to their owners: to a wallet here, or by a file for the bank."""
