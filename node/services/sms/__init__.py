"""Text messages: one way out, several carriers. A carrier is one file in `adapters`."""
