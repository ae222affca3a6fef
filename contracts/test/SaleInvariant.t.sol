// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAuctionHouse} from "../interfaces/IAuctionHouse.sol";
import {IExchange} from "../interfaces/IExchange.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {AuctionHouse} from "../src/AuctionHouse.sol";
import {DevDollar} from "../src/DevDollar.sol";
import {Exchange} from "../src/Exchange.sol";
import {CoinRefuser, OddCollection, OddEditions} from "./Parties.sol";
import {Test} from "./Test.sol";

/// @dev Three traders sign, take, cancel, auction and bid at random. Coin and dollars are made once, so that none may come or go.
contract SalePlay is Test {
    Exchange public immutable exchange;
    AuctionHouse public immutable house;
    DevDollar public immutable dollar;
    OddEditions public immutable editions;
    OddCollection public immutable pictures;
    CoinRefuser public immutable artist;
    address public immutable treasury;

    IExchange.Quote[] internal quotes;
    IAuctionHouse.Auction[] internal auctions;
    uint256 public nextToken = 1;

    /// @dev The oracle: units of a quote that went, and whether its maker voided it.
    mapping(uint256 index => uint256 units) public taken;
    mapping(uint256 index => bool void) public isVoid;
    bool public tookWhatWasVoid;

    constructor(Exchange exchange_, AuctionHouse house_, DevDollar dollar_) {
        (exchange, house, dollar) = (exchange_, house_, dollar_);
        (editions, pictures, artist) = (new OddEditions(), new OddCollection(), new CoinRefuser());
        (treasury,) = actor("treasury");
        editions.setRoyalty(address(artist), 700);
        pictures.setAnswer(OddCollection.Answer.PAIR, address(artist), 1e5);
        for (uint256 i; i < 3; ++i) {
            (address account,) = trader(i);
            dollar.mint(account, 1000e6);
            editions.mint(account, 1, 1000);
            vm.startPrank(account);
            dollar.approve(address(exchange), type(uint256).max);
            dollar.approve(address(house), type(uint256).max);
            editions.setApprovalForAll(address(exchange), true);
            pictures.setApprovalForAll(address(house), true);
            vm.stopPrank();
        }
    }

    function trader(uint256 seed) public returns (address account, uint256 key) {
        string[3] memory names = ["one", "two", "three"];
        return actorOnce(names[seed % 3]);
    }

    /// @dev As `actor`, without new coin.
    function actorOnce(string memory name) private returns (address account, uint256 key) {
        key = uint256(keccak256(bytes(name)));
        account = vm.addr(key);
        if (account.balance == 0 && nextToken == 1 && quotes.length == 0) vm.deal(account, 100 ether);
    }

    function coins() external returns (uint256 sum) {
        for (uint256 i; i < 3; ++i) {
            (address account,) = trader(i);
            sum += account.balance;
        }
        return sum + address(artist).balance + address(exchange).balance + address(house).balance + treasury.balance;
    }

    function dollars() external returns (uint256 sum) {
        for (uint256 i; i < 3; ++i) {
            (address account,) = trader(i);
            sum += dollar.balanceOf(account);
        }
        sum += dollar.balanceOf(address(artist)) + dollar.balanceOf(address(exchange));
        return sum + dollar.balanceOf(address(house)) + dollar.balanceOf(treasury);
    }

    function quote(uint256 seed, uint256 price, uint256 quantity, bool buys, bool native) external {
        if (quotes.length == 30) return;
        (address maker,) = trader(seed);
        IExchange.Quote memory q;
        (q.maker, q.side) = (maker, buys ? IExchange.Side.BUY : IExchange.Side.SELL);
        (q.standard, q.collection, q.criteria) = (ISettlement.Standard.ERC1155, address(editions), 1);
        q.quantity = bound(quantity, 1, 10);
        q.currency = native && !buys ? address(0) : address(dollar);
        q.startPrice = bound(price, 0, 1e6);
        q.endPrice = bound(price, 0, 2e6);
        (q.start, q.end, q.nonce) = (uint64(block.timestamp), uint64(block.timestamp + 3 days), quotes.length);
        (q.group, q.epoch) = (bound(seed, 0, 2), exchange.epochOf(maker));
        if (exchange.groupCancelled(maker, q.group)) q.group = 0;
        quotes.push(q);
    }

    function take(uint256 seed, uint256 by, uint256 units) external {
        if (quotes.length == 0) return;
        uint256 i = seed % quotes.length;
        IExchange.Quote memory q = quotes[i];
        (address taker,) = trader(by);
        units = bound(units, 1, q.quantity);
        IExchange.Take memory how;
        (how.tokenId, how.units, how.limit) = (1, units, q.side == IExchange.Side.SELL ? type(uint256).max : 0);
        bytes memory signature = signed(q);
        vm.prank(taker);
        (bool done,) = address(exchange).call{value: q.currency == address(0) ? 20e6 : 0}(abi.encodeCall(exchange.take, (q, how, signature)));
        if (!done) return;
        taken[i] += units;
        if (isVoid[i]) tookWhatWasVoid = true;
    }

    function sweep(uint256 seed, uint256 by) external {
        if (quotes.length < 3) return;
        (address taker,) = trader(by);
        IExchange.Quote[] memory all = new IExchange.Quote[](3);
        IExchange.Take[] memory hows = new IExchange.Take[](3);
        bytes[] memory signatures = new bytes[](3);
        for (uint256 i; i < 3; ++i) {
            all[i] = quotes[(seed % quotes.length + i) % quotes.length];
            (hows[i].tokenId, hows[i].units, hows[i].limit) = (1, 1, all[i].side == IExchange.Side.SELL ? type(uint256).max : 0);
            signatures[i] = signed(all[i]);
        }
        vm.prank(taker);
        bool[] memory made = exchange.sweepQuotes{value: 5e6}(all, hows, signatures, 0);
        for (uint256 i; i < 3; ++i) {
            if (!made[i]) continue;
            taken[all[i].nonce] += 1;
            if (isVoid[all[i].nonce]) tookWhatWasVoid = true;
        }
    }

    function cancel(uint256 seed, uint256 how) external {
        if (quotes.length == 0) return;
        uint256 chosen = seed % quotes.length;
        IExchange.Quote memory q = quotes[chosen];
        how %= 10;
        vm.startPrank(q.maker);
        if (how == 0) exchange.cancelAll();
        else if (how < 3 && q.group != 0) exchange.cancelGroup(q.group);
        else if (!exchange.nonceUsed(q.maker, q.nonce)) exchange.cancel(q.nonce);
        vm.stopPrank();
        for (uint256 i; i < quotes.length; ++i) {
            if (quotes[i].maker != q.maker) continue;
            if (how == 0 || (how < 3 && q.group != 0 && quotes[i].group == q.group) || i == chosen) isVoid[i] = true;
        }
    }

    function auction(uint256 seed, uint96 reserve, bool native) external {
        if (auctions.length == 10) return;
        (address seller,) = trader(seed);
        pictures.mint(seller, nextToken);
        IAuctionHouse.Auction memory a = IAuctionHouse.Auction({
            seller: seller,
            collection: address(pictures),
            tokenId: nextToken++,
            currency: native ? address(0) : address(dollar),
            reserve: uint96(bound(reserve, 1, 1e6)),
            start: uint64(block.timestamp),
            duration: 1 days,
            extension: 1 hours,
            incrementBps: 500,
            salt: seed
        });
        vm.prank(seller);
        house.create(a);
        auctions.push(a);
    }

    function bid(uint256 seed, uint256 by, uint256 more) external {
        if (auctions.length == 0) return;
        IAuctionHouse.Auction memory a = auctions[seed % auctions.length];
        (IAuctionHouse.State state,,,) = house.auctionState(house.auctionIdOf(a));
        if (state != IAuctionHouse.State.OPEN && state != IAuctionHouse.State.LIVE) return;
        (address bidder,) = trader(by);
        uint256 amount = house.leastBid(a) + bound(more, 0, 1e6);
        vm.prank(bidder);
        (bool done,) = address(house).call{value: a.currency == address(0) ? amount : 0}(abi.encodeCall(house.bid, (a, amount)));
        done;
    }

    function settle(uint256 seed) external {
        if (auctions.length == 0) return;
        (bool done,) = address(house).call(abi.encodeCall(house.settle, (auctions[seed % auctions.length])));
        done;
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 1 days));
    }

    function quoteCount() external view returns (uint256) {
        return quotes.length;
    }

    function quoteAt(uint256 i) external view returns (IExchange.Quote memory) {
        return quotes[i];
    }

    /// @dev What the house must have: of each currency, the bids of live auctions.
    function bids() external view returns (uint256 inCoin, uint256 inDollars) {
        for (uint256 i; i < auctions.length; ++i) {
            IAuctionHouse.Auction memory a = auctions[i];
            (IAuctionHouse.State state,,, uint256 amount) = house.auctionState(house.auctionIdOf(a));
            if (state != IAuctionHouse.State.LIVE) continue;
            if (pictures.ownerOf(a.tokenId) != address(house)) return (type(uint256).max, 0);
            if (a.currency == address(0)) inCoin += amount;
            else inDollars += amount;
        }
    }

    function signed(IExchange.Quote memory q) private returns (bytes memory) {
        uint256 key;
        for (uint256 i; i < 3; ++i) {
            (address account, uint256 found) = trader(i);
            if (account == q.maker) key = found;
        }
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, exchange.hashQuote(q));
        return abi.encodePacked(r, s, v);
    }
}

contract SaleInvariantTest is Test {
    Exchange internal exchange;
    AuctionHouse internal house;
    DevDollar internal dollar;
    SalePlay internal play;

    function setUp() public {
        vm.warp(NOW);
        vm.chainId(31337);
        dollar = new DevDollar();
        (address treasury,) = actor("treasury");
        address[] memory currencies = new address[](1);
        currencies[0] = address(dollar);
        exchange = new Exchange(newManager(), treasury, 250, currencies);
        house = new AuctionHouse(newManager(), treasury, 250, currencies);
        play = new SalePlay(exchange, house, dollar);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(play);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](10);
        selectors[0] = play.quote.selector;
        selectors[1] = play.take.selector;
        selectors[2] = play.sweep.selector;
        selectors[3] = play.cancel.selector;
        selectors[4] = play.auction.selector;
        selectors[5] = play.bid.selector;
        selectors[6] = play.settle.selector;
        selectors[7] = play.wait.selector;
        selectors[8] = play.take.selector;
        selectors[9] = play.bid.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(play), selectors);
    }

    /// @dev Nothing is lost or made, and each house has exactly what it owes.
    function invariant_money_is_conserved() external {
        vm.assertEq(play.coins(), 400 ether, "coins");
        vm.assertEq(play.dollars(), 3000e6, "dollars");
        address artist = address(play.artist());
        vm.assertEq(address(exchange).balance, exchange.collectableFees() + exchange.creditOf(artist, address(0)), "exchange");
        vm.assertEq(dollar.balanceOf(address(exchange)), 0, "exchange dollars");
        (uint256 inCoin, uint256 inDollars) = play.bids();
        vm.assertEq(address(house).balance, inCoin + house.collectableFees() + house.creditOf(artist, address(0)), "house");
        vm.assertEq(dollar.balanceOf(address(house)), inDollars, "house dollars");
    }

    /// @dev No quote gives more than was signed, none after it was voided; the contract's count is the plain one.
    function invariant_quotes_give_what_was_signed() external view {
        vm.assertFalse(play.tookWhatWasVoid());
        for (uint256 i; i < play.quoteCount(); ++i) {
            IExchange.Quote memory q = play.quoteAt(i);
            vm.assertLe(play.taken(i), q.quantity, "units");
            if (q.quantity > 1) vm.assertEq(exchange.filledOf(q.maker, q.nonce), play.taken(i), "filled");
            if (play.taken(i) == q.quantity) vm.assertTrue(exchange.nonceUsed(q.maker, q.nonce));
        }
    }
}
