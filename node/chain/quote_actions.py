"""What people do with quotes on the exchange, as steps; and the sweep of listings and quotes."""

from collections.abc import Sequence
from dataclasses import dataclass

from node.chain.artifacts import load_artifact
from node.chain.client import Read
from node.chain.eip712 import Domain, Listing, exchange_domain
from node.chain.quote import Item, Quote, Side, Standard, Take
from node.chain.steps import Intent, SignatureStep, Step, StepBuilder, TransactionStep, calldata
from node.kernel.hexes import ZERO_ADDRESS, Address

# A sweep wants to see `IExchange.SALE_GAS` and some more left before each sale.
SPARE_GAS = 650_000


@dataclass(frozen=True, slots=True)
class QuoteActions:
    steps: StepBuilder

    @property
    def exchange(self) -> Address:
        return self.steps.deployment.exchange.address

    @property
    def domain(self) -> Domain:
        return exchange_domain(chain_id=self.steps.deployment.chain_id, exchange=self.exchange)

    def make(self, quote: Quote, *, items: Sequence[Item], promised: int = 0, post_to: str) -> list[Step]:
        """The approvals that a settlement will need and are missing, then the maker's signature.

        `promised` is what other offers of the maker may cost, which draw on the same allowance.
        """
        if quote.side is Side.SELL:
            approvals = self._approvals(quote.maker, items)
        else:
            most = max(quote.start_price, quote.end_price) * quote.quantity
            approvals = self._payment(quote.currency, quote.maker, most, besides=promised)
        verb = "Sell" if quote.side is Side.SELL else "Buy"
        signature = SignatureStep(
            action="sign_quote",
            description=f"{verb} {quote.quantity} for {quote.start_price} each",
            signer=quote.maker,
            typed_data=quote.typed_data(self.domain),
            post_to=post_to,
        )
        return [*self.steps.populate(quote.maker, approvals), signature]

    def take(
        self, quote: Quote, how: Take, *, items: Sequence[Item], signature: bytes, taker: Address
    ) -> list[TransactionStep]:
        """The approvals that are missing, then the settlement; the taker of an offer gives `items`."""
        value = 0
        if quote.side is Side.BUY:
            approvals = self._approvals(taker, items)
            words = f"Sell for {how.limit} at least"
        else:
            approvals = self._payment(quote.currency, taker, how.limit)
            value = how.limit if quote.currency == ZERO_ADDRESS else 0
            words = f"Buy for {how.limit} at most"
        data = calldata(self.steps.deployment.exchange, "take", quote.values(), how.values(), signature)
        return self.steps.populate(taker, [*approvals, Intent("take", words, self.exchange, data, value)])

    def sweep(
        self,
        *,
        listings: Sequence[tuple[Listing, bytes]],
        quotes: Sequence[tuple[Quote, Take, bytes]],
        currency: Address,
        buyer: Address,
        at_least: int,
    ) -> list[TransactionStep]:
        """One transaction for the listings and one for the quotes; `at_least` holds for each of them."""
        exchange = self.steps.deployment.exchange
        costs = sum(listing.price for listing, _ in listings), sum(how.limit for _, how, _ in quotes)
        intents = self._payment(currency, buyer, sum(costs))
        is_native = currency == ZERO_ADDRESS
        if listings:
            args = [item.values() for item, _ in listings], [signature for _, signature in listings]
            data = calldata(exchange, "sweep", *args, min(at_least, len(listings)))
            words = f"Buy {len(listings)} listings for {costs[0]} at most"
            intents.append(
                Intent("sweep", words, exchange.address, data, costs[0] if is_native else 0, SPARE_GAS)
            )
        if quotes:
            made = (
                [quote.values() for quote, _, _ in quotes],
                [how.values() for _, how, _ in quotes],
                [signature for _, _, signature in quotes],
            )
            data = calldata(exchange, "sweepQuotes", *made, min(at_least, len(quotes)))
            words = f"Take {len(quotes)} quotes for {costs[1]} at most"
            intents.append(
                Intent("sweep", words, exchange.address, data, costs[1] if is_native else 0, SPARE_GAS)
            )
        return self.steps.populate(buyer, intents)

    def cancel_group(self, *, signer: Address, group: int) -> list[TransactionStep]:
        return self.steps.transaction(
            self.steps.deployment.exchange,
            "cancelGroup",
            [group],
            sender=signer,
            action="cancel_group",
            description=f"Cancel everything signed with group {group}",
        )

    def _payment(self, currency: Address, payer: Address, amount: int, *, besides: int = 0) -> list[Intent]:
        return self.steps.token_approval(
            token=currency, owner=payer, spender=self.exchange, amount=amount, besides=besides
        )

    def _approvals(self, owner: Address, items: Sequence[Item]) -> list[Intent]:
        intents: list[Intent] = []
        for item in items:
            if item.standard is Standard.ERC721:
                intents += self.steps.nft_approval(
                    collection=item.collection,
                    token_id=item.token_id,
                    owner=owner,
                    operator=self.exchange,
                )
            else:
                intents += self._approval_of_all(owner, item.collection)
        return list(dict.fromkeys(intents))

    def _approval_of_all(self, owner: Address, collection: Address) -> list[Intent]:
        """ERC-1155 knows no other."""
        editions = load_artifact("Editions")
        question = Read(editions, collection, "isApprovedForAll", (owner, self.exchange))
        if self.steps.client.read_many([question]) == [True]:
            return []
        data = editions.encode("setApprovalForAll", self.exchange, True)  # noqa: FBT003 - as the contract has it
        words = f"Let {self.exchange} move the tokens of {collection}"
        return [Intent("approve_nft", words, collection, data)]
