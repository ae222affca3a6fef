"""One life of each contract, from Python."""

import time

import brownie
from brownie import ZERO_ADDRESS, accounts, chain
from eth_account import Account

LISTING_FIELDS = [
    ("seller", "address"),
    ("collection", "address"),
    ("tokenId", "uint256"),
    ("currency", "address"),
    ("price", "uint256"),
    ("minProceeds", "uint256"),
    ("buyer", "address"),
    ("start", "uint64"),
    ("end", "uint64"),
    ("nonce", "uint256"),
    ("epoch", "uint256"),
]
ETHER = 10**18


def word(text):
    """A short text as bytes32."""
    return text.encode().ljust(32, b"\0")


def now():
    return chain[-1].timestamp


def sign_listing(exchange, key, values):
    """Signed by eth-account from the type's text, so that contract and Python agree on EIP-712."""
    domain = {
        "name": "ASOUD Exchange",
        "version": "1",
        "chainId": 31337,
        "verifyingContract": exchange.address,
    }
    types = {"Listing": [{"name": name, "type": kind} for name, kind in LISTING_FIELDS]}
    message = dict(zip((name for name, _ in LISTING_FIELDS), values, strict=True))
    return Account.sign_typed_data(key, domain, types, message).signature


def sell(suite, collection, currency, price, nonce):
    """A seller with a key of its own mints through the merchant, lists and sells to the last account."""
    exchange, buyer = suite["Exchange"], accounts[9]
    seller = accounts.add("0x" + "11" * 32)
    accounts[0].transfer(seller, ETHER)
    minted = collection.mint(seller, "ipfs://picture", {"from": accounts[1]})
    token_id = minted.events["Minted"]["tokenId"]
    collection.approve(exchange, token_id, {"from": seller})
    values = [
        seller.address,
        collection.address,
        token_id,
        currency,
        price,
        0,
        ZERO_ADDRESS,
        0,
        now() + 3600,
        nonce,
        0,
    ]
    signature = sign_listing(exchange, seller.private_key, values)
    value = price if currency == ZERO_ADDRESS else 0
    sold = exchange.buy(values, signature, {"from": buyer, "value": value})
    assert collection.ownerOf(token_id) == buyer
    return sold.events["Sold"]


def escrow_terms(asset, amount, order):
    buyer, seller, arbiter, treasury = accounts[3], accounts[4], accounts[5], accounts[6]
    return (
        word(order),
        buyer,
        seller,
        arbiter,
        asset,
        amount,
        treasury,
        200,
        5000,
        now() + 3600,
        600,
        600,
    )


def wait_until(condition):
    """The chain's clock is the real one; blocks are mined until it has moved far enough."""
    for _ in range(200):
        if condition():
            return
        time.sleep(0.1)
        chain.mine()
    raise AssertionError("the chain's clock did not get there")


def test_collection(collection):
    minted = collection.mint(accounts[7], "ipfs://one", {"from": accounts[1]})
    token_id = minted.events["Minted"]["tokenId"]
    assert collection.tokenURI(token_id) == "ipfs://one"
    collection.transferFrom(accounts[7], accounts[8], token_id, {"from": accounts[7]})
    assert collection.ownerOf(token_id) == accounts[8]
    with brownie.reverts():
        collection.mint(accounts[7], "ipfs://mine", {"from": accounts[7]})


def test_factory(suite):
    salt = word("another")
    created = suite["CollectionFactory"].create(
        ("A", "A", "", ZERO_ADDRESS, 0, 5), salt, {"from": accounts[7]}
    )
    event = created.events["CollectionCreated"]
    assert event["creator"] == accounts[7]
    assert event["collection"] == suite["CollectionFactory"].predict(accounts[7], salt)
    assert event["maxSupply"] == 5


def test_exchange_in_coin(suite, collection):
    artist = accounts[2].balance()
    event = sell(suite, collection, ZERO_ADDRESS, ETHER, 1)
    assert event["royalty"] == ETHER // 20
    assert event["fee"] == ETHER // 40
    assert accounts[2].balance() - artist == ETHER // 20
    suite["Exchange"].collectFees({"from": accounts[7]})
    assert suite["TimelockController"].balance() == ETHER // 40


def test_exchange_in_tokens(suite, collection):
    dollar, buyer = suite["DevDollar"], accounts[9]
    dollar.mint(buyer, 100 * 10**6, {"from": buyer})
    dollar.approve(suite["Exchange"], 100 * 10**6, {"from": buyer})
    event = sell(suite, collection, dollar.address, 100 * 10**6, 2)
    assert event["currency"] == dollar.address
    assert dollar.balanceOf(accounts[2]) == 5 * 10**6
    assert dollar.balanceOf(suite["TimelockController"]) == 25 * 10**5


def test_dev_dollar(suite):
    dollar = suite["DevDollar"]
    dollar.mint(accounts[8], 7, {"from": accounts[7]})
    dollar.transfer(accounts[7], 3, {"from": accounts[8]})
    assert (dollar.decimals(), dollar.balanceOf(accounts[7]), dollar.balanceOf(accounts[8])) == (
        6,
        3,
        4,
    )


def test_escrow_released(suite):
    escrow, terms = suite["Escrow"], escrow_terms(ZERO_ADDRESS, ETHER, "released")
    buyer, seller, treasury = accounts[3], accounts[4], accounts[6]
    before = seller.balance(), treasury.balance()
    funded = escrow.fund(terms, {"from": buyer, "value": ETHER}).events["Funded"]
    assert funded["escrowId"] == escrow.escrowIdOf(terms)
    escrow.ship(terms, word("tracking"), {"from": seller})
    escrow.release(terms, {"from": buyer})
    assert seller.balance() - before[0] == ETHER * 98 // 100
    assert treasury.balance() - before[1] == ETHER * 2 // 100
    assert escrow.balance() == 0


def test_escrow_split(suite):
    escrow, dollar = suite["Escrow"], suite["DevDollar"]
    buyer, seller, arbiter = accounts[3], accounts[4], accounts[5]
    terms = escrow_terms(dollar.address, 1000, "split")
    dollar.mint(buyer, 1000, {"from": buyer})
    dollar.approve(escrow, 1000, {"from": buyer})
    escrow.fund(terms, {"from": buyer})
    escrow.ship(terms, word("tracking"), {"from": seller})
    escrow.dispute(terms, word("photo"), {"from": buyer})
    ruled = escrow.rule(terms, 400, word("half broken"), {"from": arbiter}).events["Ruled"]
    assert (ruled["toSeller"], ruled["toBuyer"], ruled["fee"]) == (392, 600, 8)
    assert (dollar.balanceOf(seller), dollar.balanceOf(buyer)) == (392, 600)


def test_votes_token(suite):
    token, holder = suite["VotesToken"], accounts[1]
    token.delegate(accounts[8], {"from": holder})
    assert token.getVotes(accounts[8]) == 100 * ETHER
    token.transfer(accounts[7], ETHER, {"from": holder})
    assert token.getVotes(accounts[8]) == 99 * ETHER


def test_governor_and_timelock(suite):
    governor, exchange, member = suite["AsoudGovernor"], suite["Exchange"], accounts[0]
    suite["VotesToken"].delegate(member, {"from": member})
    power_since = now()
    wait_until(lambda: now() > power_since)
    proposal = (
        [exchange.address],
        [0],
        [exchange.setFee.encode_input(suite["TimelockController"], 100)],
    )
    proposed = governor.propose(*proposal, "Lower the fee", {"from": member})
    proposal_id = proposed.events["ProposalCreated"]["proposalId"]
    description = brownie.web3.keccak(text="Lower the fee")
    wait_until(lambda: governor.state(proposal_id) == 1)
    governor.castVote(proposal_id, 1, {"from": member})
    wait_until(lambda: governor.state(proposal_id) == 4)
    queued = governor.queue(*proposal, description, {"from": member}).events["ProposalQueued"]
    wait_until(lambda: now() >= queued["etaSeconds"])
    governor.execute(*proposal, description, {"from": accounts[9]})
    assert governor.state(proposal_id) == 7
    assert exchange.fee()[1] == 100


def auction_of(collection, token_id):
    return (accounts[4], collection, token_id, ZERO_ADDRESS, ETHER, now(), 3, 1, 500, 1)


def test_auction(suite, collection):
    house, seller, winner = suite["AuctionHouse"], accounts[4], accounts[7]
    token_id = collection.mint(seller, "ipfs://lot", {"from": accounts[1]}).events["Minted"]["tokenId"]
    collection.approve(house, token_id, {"from": seller})
    auction = auction_of(collection, token_id)
    created = house.create(auction, {"from": seller}).events["AuctionCreated"]
    assert created["auctionId"] == house.auctionIdOf(auction)
    house.bid(auction, ETHER, {"from": accounts[9], "value": ETHER})
    bid = house.bid(auction, 2 * ETHER, {"from": winner, "value": 2 * ETHER}).events["BidPlaced"]
    assert (bid["bidder"], bid["amount"]) == (winner, 2 * ETHER)
    wait_until(lambda: now() > bid["end"])
    events = house.settle(auction, {"from": accounts[6]}).events
    assert events["AuctionSettled"]["amount"] == events["Sold"]["price"] == 2 * ETHER
    assert collection.ownerOf(token_id) == winner
    assert house.collectFees({"from": accounts[6]}).events["FeesCollected"]["amount"] == ETHER // 20


def test_checkout(suite):
    checkout, payer, payee = suite["Checkout"], accounts[3], accounts[4]
    invoice = (word("invoice"), payee, ZERO_ADDRESS, ETHER, 0, accounts[6], 100, now() + 3600)
    none, before = (0, 0, 0, bytes(32), bytes(32)), payee.balance()
    paid = checkout.pay(invoice, ETHER, none, {"from": payer, "value": ETHER}).events["InvoicePaid"]
    assert paid["invoiceHash"] == checkout.invoiceHashOf(invoice)
    assert (paid["toPayee"], paid["fee"]) == (ETHER * 99 // 100, ETHER // 100)
    assert payee.balance() - before == paid["toPayee"]
    payouts = [(accounts[7], 5, word("one")), (accounts[8], 6, word("two"))]
    told = checkout.payOut(ZERO_ADDRESS, payouts, {"from": payer, "value": 11}).events["PaidOut"]
    assert [entry["amount"] for entry in told] == [5, 6]


def test_deposits(suite):
    deposits, shop, deposit_id = suite["Deposits"], accounts[4], word("deposit")
    place = deposits.addressOf(shop, deposit_id)
    accounts[3].transfer(place, ETHER)
    before = shop.balance()
    swept = deposits.sweep(shop, [deposit_id], [ZERO_ADDRESS], {"from": accounts[9]}).events
    assert swept["DepositSwept"]["amount"] == ETHER
    assert shop.balance() - before == ETHER


def test_splitter(suite):
    payees, shares = [accounts[7], accounts[8]], [7500, 2500]
    created = suite["SplitterFactory"].create(payees, shares, {"from": accounts[1]})
    splitter = created.events["SplitterCreated"]["splitter"]
    assert splitter == suite["SplitterFactory"].predict(payees, shares)
    accounts[3].transfer(splitter, 1000)
    clone = brownie.project.get_loaded_projects()[0].RoyaltySplitter.at(splitter)
    before = accounts[7].balance()
    released = clone.release(accounts[7], ZERO_ADDRESS, {"from": accounts[9]}).events["ShareReleased"]
    assert released["amount"] == accounts[7].balance() - before == 750


def clone_of(suite, factory, kind):
    merchant, terms = accounts[1], ("Many", "MNY", "ipfs://many", accounts[2], 500, 100)
    created = suite[factory].create(terms, word(kind), {"from": merchant}).events["CollectionCreated"]
    return getattr(brownie.project.get_loaded_projects()[0], kind).at(created["collection"])


def test_batch_collection(suite):
    batch = clone_of(suite, "BatchFactory", "BatchCollection")
    told = batch.mintBatch(accounts[7], 5, {"from": accounts[1]}).events["Transfer"]
    assert [entry["tokenId"] for entry in told] == list(range(5))
    assert batch.balanceOf(accounts[7]) == 5


def test_badges(suite):
    badges = clone_of(suite, "BadgeFactory", "BadgeCollection")
    minted = badges.mint(accounts[7], "ipfs://badge", {"from": accounts[1]}).events["Minted"]
    token_id = minted["tokenId"]
    assert badges.locked(token_id)
    with brownie.reverts():
        badges.transferFrom(accounts[7], accounts[8], token_id, {"from": accounts[7]})


def test_editions(suite):
    editions, merchant = clone_of(suite, "EditionsFactory", "Editions"), accounts[1]
    created = editions.createEdition("ipfs://print", 10, {"from": merchant}).events["EditionCreated"]
    edition = created["tokenId"]
    minted = editions.mint(accounts[7], edition, 3, {"from": merchant}).events["TransferSingle"]
    assert minted["amount"] == 3
    assert editions.balanceOf(accounts[7], edition) == 3


def test_rewards(suite):
    rewards, timelock = suite["Rewards"], suite["TimelockController"]
    assert rewards.owner() == timelock
    with brownie.reverts():
        rewards.openEpoch(word("root"), ZERO_ADDRESS, 1, now() + 3600, {"from": accounts[0], "value": 1})


def test_pause_stops_entries_and_a_guardian_opens_later(suite):
    checkout, manager, guardian = suite["Checkout"], suite["AccessManager"], accounts[8]
    with brownie.reverts():
        checkout.pause({"from": accounts[0]})
    assert checkout.pause({"from": guardian}).events["Paused"]["account"] == guardian
    with brownie.reverts():
        checkout.payOut(ZERO_ADDRESS, [], {"from": accounts[3]})
    with brownie.reverts():
        checkout.unpause({"from": guardian})
    data = checkout.unpause.encode_input()
    scheduled = manager.schedule(checkout, data, 0, {"from": guardian}).events["OperationScheduled"]
    wait_until(lambda: now() >= scheduled["schedule"])
    assert checkout.unpause({"from": guardian}).events["Unpaused"]["account"] == guardian
    checkout.payOut(ZERO_ADDRESS, [], {"from": accounts[3]})


def test_deployer_kept_no_power(suite):
    timelock, manager, deployer = suite["TimelockController"], suite["AccessManager"], accounts[0]
    for role in ("DEFAULT_ADMIN_ROLE", "PROPOSER_ROLE", "CANCELLER_ROLE"):
        assert not timelock.hasRole(getattr(timelock, role)(), deployer)
    for role in range(7):
        assert not manager.hasRole(role, deployer)[0]
    is_member, delay = manager.hasRole(0, timelock)
    assert is_member and delay == 0
    with brownie.reverts():
        suite["Exchange"].setFee(deployer, 1, {"from": deployer})
