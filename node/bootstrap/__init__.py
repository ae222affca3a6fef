"""Wiring: builds `Services` from settings and holds the event -> handler table."""
