"""What people do with auctions, as steps."""

from dataclasses import dataclass

from node.chain.auction import Auction, auction_id
from node.chain.steps import Intent, StepBuilder, TransactionStep, calldata
from node.kernel.hexes import ZERO_ADDRESS, Address, Hash32


@dataclass(frozen=True, slots=True)
class AuctionActions:
    steps: StepBuilder

    def id_of(self, auction: Auction) -> Hash32:
        deployment = self.steps.deployment
        return auction_id(auction, chain_id=deployment.chain_id, house=deployment.auction_house.address)

    def create(self, auction: Auction) -> list[TransactionStep]:
        """The approval of the token if it is missing: the first bid moves it. Then the auction."""
        house = self.steps.deployment.auction_house
        approval = self.steps.nft_approval(
            collection=auction.collection,
            token_id=auction.token_id,
            owner=auction.seller,
            operator=house.address,
        )
        words = f"Auction token {auction.token_id} from {auction.reserve}"
        data = calldata(house, "create", auction.values())
        return self.steps.populate(
            auction.seller, [*approval, Intent("create_auction", words, house.address, data)]
        )

    def bid(self, auction: Auction, *, amount: int, bidder: Address) -> list[TransactionStep]:
        house = self.steps.deployment.auction_house
        approval = self.steps.token_approval(
            token=auction.currency, owner=bidder, spender=house.address, amount=amount
        )
        data = calldata(house, "bid", auction.values(), amount)
        value = amount if auction.currency == ZERO_ADDRESS else 0
        return self.steps.populate(
            bidder, [*approval, Intent("bid", f"Bid {amount}", house.address, data, value)]
        )

    def settle(self, auction: Auction, *, by: Address) -> list[TransactionStep]:
        return self._call(auction, by, "settle", "Give the token to the winner and the money to the seller")

    def cancel(self, auction: Auction) -> list[TransactionStep]:
        return self._call(auction, auction.seller, "cancel", "Take the auction back")

    def reclaim(self, auction: Auction, *, by: Address) -> list[TransactionStep]:
        return self._call(auction, by, "reclaim", "Give the token back to the seller")

    def _call(self, auction: Auction, sender: Address, function: str, words: str) -> list[TransactionStep]:
        return self.steps.transaction(
            self.steps.deployment.auction_house,
            function,
            [auction.values()],
            sender=sender,
            action=f"{function}_auction",
            description=words,
        )
