"""What the node itself holds on a chain, and what it sends from there.

    deposit address --sweep--> treasury (a key in `wallet.custody`) --withdrawal, payout--> anybody

In the ledger the chain is one account per asset, `chain:<id>/outside`, that never runs dry: money comes in
from it and leaves to it, so what it lacks is what the node must hold at its addresses, to the unit.

Invariants:
- `treasury.book` says up to which block the ledger knows the chain; it moves in the transaction of the money.
- A nonce belongs to one outgoing transaction for ever, and only what is stored is ever broadcast. Of all
  attempts with one nonce a chain takes one, so nothing is paid twice, and what was not taken is sent again.
"""
