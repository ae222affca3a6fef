"""What the node does about its events: consumer -> event type -> handler or task.

A consumer's name is its cursor for ever: a new one starts at the first event.
"""

from node.bootstrap.handlers import Table
from node.services.container import Services


def reactions(services: Services) -> Table:  # noqa: ARG001 - the first nouns with reactions use it
    return {}
