"""A proposal's calls, said in words: the last step between the view's bytes and a reader."""

import msgspec

from node.kernel.hexes import Address
from node.services.governance.actions import Action, ActionBook


def explained(body: bytes, book: ActionBook) -> bytes:
    """The JSON of `queries.PROPOSAL` with `actions` in place of `calls`."""
    proposal = msgspec.json.decode(body)
    proposal["actions"] = [_explained(call, book) for call in proposal.pop("calls")]
    return msgspec.json.encode(proposal)


def _explained(call: dict[str, str], book: ActionBook) -> dict[str, object]:
    action = Action(Address(call["to"]), int(call["value"]), bytes.fromhex(call["data"][2:]))
    described = book.describe(action)
    return {
        **call,
        "contract": described.contract,
        "function": described.function,
        "arguments": described.arguments,
        "words": described.words,
    }
