"""The one exception that a person sees: one clear line, exit code 1, nothing left running."""

import click


class StartRefused(click.ClickException):
    """The node cannot start or go on; the message says what to do about it."""
