"""`python -m scripts.demo_acts`: all acts, then one line with the sum."""

import sys
import time

import httpx

from scripts.demo_acts import (
    appeal,
    auction,
    chain_money,
    nft,
    order,
    payment,
    payout,
    relay,
    sign_in,
    vote,
    wallet,
)
from scripts.demo_acts.stage import Stage, current_environment, set_up

ACTS = (
    ("Act 1: signing in", sign_in.play),
    ("Act 2: pictures are minted, listed and sold", nft.play),
    ("Act 3: a picture is auctioned", auction.play),
    ("Act 4: an order is paid through escrow", order.play_release),
    ("Act 5: an order is settled by its parties", order.play_settlement),
    ("Act 6: an order goes to the arbiter", order.play_dispute),
    ("Act 7: the DAO decides", vote.play),
    ("Act 8: a ruling is appealed, and members vote by signature", appeal.play),
    ("Act 9: what the node does not pass on", relay.play),
    ("Act 10: somebody with a phone pays in lira", payment.play),
    ("Act 11: people send each other money, by handle, by phone and by a link", wallet.play),
    ("Act 12: dollars come by the chain and leave by it", chain_money.play),
    ("Act 13: markets are paid out, and the books are even", payout.play),
)


def main() -> int:
    stage = set_up(current_environment())
    print(f"a day on {stage.node.url}, run {stage.run}")
    if not _answers(stage):
        print(f"no node answers at {stage.node.url}: run scripts/up first", file=sys.stderr)
        return 2
    began = time.monotonic()
    for title, play in ACTS:
        with stage.transcript.act(title):
            play(stage)
    print(f"\nin {time.monotonic() - began:.0f} s")
    print(stage.transcript.last_line())
    return 1 if stage.transcript.failed else 0


def _answers(stage: Stage) -> bool:
    try:
        return httpx.get(f"{stage.node.url}/health/live", timeout=10.0, trust_env=False).is_success
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    sys.exit(main())
