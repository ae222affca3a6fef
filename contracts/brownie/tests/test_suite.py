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


def test_deployer_kept_no_power(suite):
    timelock, deployer = suite["TimelockController"], accounts[0]
    for role in ("DEFAULT_ADMIN_ROLE", "PROPOSER_ROLE", "CANCELLER_ROLE"):
        assert not timelock.hasRole(getattr(timelock, role)(), deployer)
    assert suite["Exchange"].owner() == timelock
    with brownie.reverts():
        suite["Exchange"].setFee(deployer, 1, {"from": deployer})
