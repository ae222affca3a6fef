"""The levels and rooms of a node: see ARCHITECTURE.md."""
