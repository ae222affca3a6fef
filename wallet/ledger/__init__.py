"""The ledger: who has how much of what, and every move that made it so.

    command (Python) -> one SQL function -> account, transfer, posting, hold -> sealed into blocks, later

Invariants, kept by the functions in `functions/` and proved by tests and `asoud ledger verify`:

- A posting moves a positive amount of one asset from one account to another, so each asset sums to zero.
- A balance is the sum of its postings; what is available never goes below the account's floor.
- A command has one effect, however often it is sent: its key is unique. A refused one changes nothing.
- Postings are never changed or removed. Nobody but the functions writes, the app's role included.

How commands lock, and what they cost, is told in docs/money.md.
"""
