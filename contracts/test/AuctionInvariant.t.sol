// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAuctionHouse} from "../interfaces/IAuctionHouse.sol";
import {AuctionHouse} from "../src/AuctionHouse.sol";
import {DevDollar} from "../src/DevDollar.sol";
import {Ledger} from "./Ledger.sol";
import {CoinRefuser, MoodyCollection, OddToken, Reenterer} from "./Parties.sol";
import {Test} from "./Test.sol";

/// @dev Two sellers, and bidders of which some refuse their money back or reenter, over tokens that at times cannot be moved.
contract AuctionPlay is Ledger {
    struct Lot {
        IAuctionHouse.Auction terms;
        IAuctionHouse.State state;
        uint64 end;
        address bidder;
        uint256 amount;
    }

    AuctionHouse internal immutable house;
    MoodyCollection internal immutable pictures;
    OddToken internal immutable odd;
    CoinRefuser internal immutable refuser;
    Reenterer public immutable greedy;
    address internal immutable treasury;

    /// @dev The first two sell too.
    address[] internal people;
    Lot[] internal lots;
    uint256 internal fees;

    constructor() {
        (pictures, odd, refuser, greedy) = (new MoodyCollection(), new OddToken(), new CoinRefuser(), new Reenterer());
        DevDollar dollar = new DevDollar();
        (treasury,) = actor("treasury");
        (address one,) = actor("one");
        (address two,) = actor("two");
        (address three,) = actor("three");
        assets = [NATIVE, address(dollar), address(odd)];
        address[] memory currencies = new address[](2);
        (currencies[0], currencies[1]) = (address(dollar), address(odd));
        house = new AuctionHouse(newManager(), treasury, 250, currencies);
        houses.push(address(house));
        greedy.arm(address(house), abi.encodeCall(house.withdraw, (address(refuser), NATIVE)));
        people = [one, two, three, address(refuser), address(greedy)];
        open(treasury);
        for (uint256 i; i < 5; ++i) {
            vm.deal(people[i], 1e6 ether);
            dollar.mint(people[i], 1e24);
            odd.mint(people[i], 1e24);
            vm.startPrank(people[i]);
            dollar.approve(address(house), type(uint256).max);
            odd.approve(address(house), type(uint256).max);
            pictures.setApprovalForAll(address(house), true);
            vm.stopPrank();
            open(people[i]);
        }
    }

    function create(uint256 seed, uint256 by, uint256 reserve, uint16 increment) external {
        if (lots.length == 10) return;
        Lot memory lot;
        (lot.terms.seller, lot.terms.collection, lot.terms.tokenId) = (people[seed % 2], address(pictures), lots.length + 1);
        (lot.terms.currency, lot.terms.reserve) = (assets[(seed >> 8) % 3], uint96(bound(reserve, 1, 1 ether)));
        (lot.terms.start, lot.terms.duration) = (uint64(block.timestamp + (seed >> 16) % 2 * 1 hours), uint32(bound(seed, 1 hours, 1 days)));
        (lot.terms.extension, lot.terms.incrementBps) = (uint32(bound(seed, 0, 2 hours)), uint16(bound(increment, 1, 10_000)));
        (lot.state, lot.terms.salt) = (IAuctionHouse.State.OPEN, seed);
        address sender = by % 4 == 0 ? people[by % 5] : lot.terms.seller;
        bool done = act(sender, abi.encodeCall(house.create, (lot.terms)));
        vm.assertTrue(done == (sender == lot.terms.seller), "create");
        if (!done) return;
        pictures.mint(lot.terms.seller, lot.terms.tokenId);
        lots.push(lot);
    }

    function cancel(uint256 seed, uint256 by) external {
        if (lots.length == 0 || seed % 3 != 0) return;
        Lot storage lot = lots[(seed >> 8) % lots.length];
        bool due = lot.state == IAuctionHouse.State.OPEN && people[by % 5] == lot.terms.seller;
        vm.assertTrue(act(people[by % 5], abi.encodeCall(house.cancel, (lot.terms))) == due, "cancel");
        if (due) lot.state = IAuctionHouse.State.CANCELLED;
    }

    /// @dev From one below the least to a little above it.
    function bid(uint256 seed, uint256 by, uint256 more) external {
        if (lots.length == 0) return;
        Lot storage lot = lots[seed % lots.length];
        address bidder = people[by % 5];
        address asset = lot.terms.currency;
        uint256 least = leastOf(lot);
        uint256 amount = least + bound(more, 0, 20) - 1;
        bool due = amount >= least && bidder != lot.terms.seller && takesBids(lot) && !(asset == address(odd) && odd.barred(bidder));
        bool done = attempt(bidder, address(house), asset == NATIVE ? amount : 0, abi.encodeCall(house.bid, (lot.terms, amount)));
        vm.assertTrue(done == due, "bid");
        if (!due) return;
        if (lot.state == IAuctionHouse.State.OPEN) (lot.state, lot.end) = (IAuctionHouse.State.LIVE, uint64(block.timestamp) + lot.terms.duration);
        if (lot.end < block.timestamp + lot.terms.extension) lot.end = uint64(block.timestamp) + lot.terms.extension;
        wealth[bidder][asset] -= amount;
        if (lot.bidder != address(0)) wealth[lot.bidder][asset] += lot.amount;
        (lot.bidder, lot.amount) = (bidder, amount);
    }

    function settle(uint256 seed, uint256 by) external {
        if (lots.length == 0) return;
        Lot storage lot = lots[seed % lots.length];
        bool due = lot.state == IAuctionHouse.State.LIVE && block.timestamp > lot.end;
        vm.assertTrue(act(people[by % 5], abi.encodeCall(house.settle, (lot.terms))) == due, "settle");
        if (due) settled(lot);
    }

    function reclaim(uint256 seed, uint256 by) external {
        if (lots.length == 0) return;
        Lot storage lot = lots[seed % lots.length];
        bool due = lot.state == IAuctionHouse.State.VOIDED && pictures.mood() == MoodyCollection.Mood.WILLING;
        vm.assertTrue(act(people[by % 5], abi.encodeCall(house.reclaim, (lot.terms))) == due, "reclaim");
        if (due) lot.state = IAuctionHouse.State.CANCELLED;
    }

    /// @dev Whoever asks, fees go to the treasury alone, and tokens that are here to nobody out of turn.
    function collect(uint256 by, uint256 seed) external {
        vm.assertTrue(act(people[by % 5], abi.encodeCall(house.collectFees, ())), "collect");
        wealth[treasury][NATIVE] += fees;
        fees = 0;
        vm.assertFalse(act(people[by % 5], abi.encodeCall(house.deliver, (address(pictures), seed % 11, people[by % 5]))));
    }

    function withdraw(uint256 seed, uint256 by) external {
        address account = people[seed % 5];
        pull(house, assets[(seed >> 8) % 3], account, people[(seed >> 16) % 5], by % 2 == 0 ? account : people[by % 5]);
    }

    function change(uint256 seed) external {
        if (seed % 3 == 0) refuser.setOpen(!refuser.open());
        else if (seed % 3 == 1) odd.bar(people[(seed >> 8) % 5], (seed >> 16) % 3 == 0);
        else pictures.setMood(MoodyCollection.Mood((seed >> 8) % 6 < 4 ? 0 : (seed >> 8) % 6 - 3));
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 12 hours));
    }

    /// @dev The house's records, and where each token is, are the model's.
    function same() public view {
        for (uint256 i; i < lots.length; ++i) {
            Lot memory lot = lots[i];
            (IAuctionHouse.State state, uint64 end, address bidder, uint256 amount) = house.auctionState(house.auctionIdOf(lot.terms));
            vm.assertEq(uint256(state), uint256(lot.state), "state");
            vm.assertEq(end, lot.end, "end");
            vm.assertEq(bidder, lot.bidder);
            vm.assertEq(amount, lot.amount, "amount");
            address owner = lot.terms.seller;
            if (state == IAuctionHouse.State.LIVE || state == IAuctionHouse.State.VOIDED) owner = address(house);
            if (state == IAuctionHouse.State.SETTLED) owner = lot.bidder;
            vm.assertEq(pictures.ownerOf(lot.terms.tokenId), owner);
        }
        vm.assertEq(house.collectableFees(), fees, "fees");
    }

    /// @dev Once the collection moves its tokens again, none stays here, and no bid either.
    function finish() external {
        vm.warp(block.timestamp + 100 days);
        pictures.setMood(MoodyCollection.Mood.WILLING);
        for (uint256 i; i < lots.length; ++i) {
            if (lots[i].state == IAuctionHouse.State.LIVE) {
                house.settle(lots[i].terms);
                settled(lots[i]);
            }
            if (lots[i].state == IAuctionHouse.State.VOIDED) {
                house.reclaim(lots[i].terms);
                lots[i].state = IAuctionHouse.State.CANCELLED;
            }
        }
        vm.assertEq(pictures.balanceOf(address(house)), 0, "stuck");
        same();
    }

    function heldBy(address, address asset) internal view override returns (uint256 sum) {
        if (asset == NATIVE) sum = fees;
        for (uint256 i; i < lots.length; ++i) {
            if (lots[i].state == IAuctionHouse.State.LIVE && lots[i].terms.currency == asset) sum += lots[i].amount;
        }
    }

    function settled(Lot storage lot) private {
        address asset = lot.terms.currency;
        if (pictures.mood() != MoodyCollection.Mood.WILLING) {
            lot.state = IAuctionHouse.State.VOIDED;
            wealth[lot.bidder][asset] += lot.amount;
            return;
        }
        lot.state = IAuctionHouse.State.SETTLED;
        uint256 fee = lot.amount * 250 / 10_000;
        if (asset == NATIVE) fees += fee;
        else wealth[treasury][asset] += fee;
        wealth[lot.terms.seller][asset] += lot.amount - fee;
    }

    function takesBids(Lot storage lot) private view returns (bool) {
        if (lot.state == IAuctionHouse.State.LIVE) return block.timestamp <= lot.end;
        return lot.state == IAuctionHouse.State.OPEN && block.timestamp >= lot.terms.start && pictures.mood() == MoodyCollection.Mood.WILLING;
    }

    function leastOf(Lot storage lot) private view returns (uint256) {
        if (lot.amount == 0) return lot.terms.reserve;
        uint256 more = lot.amount * lot.terms.incrementBps / 10_000;
        return lot.amount + (more == 0 ? 1 : more);
    }

    function act(address sender, bytes memory data) private returns (bool) {
        return attempt(sender, address(house), 0, data);
    }
}

contract AuctionInvariantTest is Test {
    AuctionPlay internal play;

    function setUp() public {
        vm.warp(NOW);
        vm.chainId(31337);
        play = new AuctionPlay();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(play);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory moves = new bytes4[](11);
        (moves[0], moves[1], moves[2], moves[3]) = (play.create.selector, play.cancel.selector, play.bid.selector, play.settle.selector);
        (moves[4], moves[5], moves[6], moves[7]) = (play.reclaim.selector, play.collect.selector, play.withdraw.selector, play.change.selector);
        // Twice, as without bids there is nothing to settle.
        (moves[8], moves[9], moves[10]) = (play.wait.selector, play.bid.selector, play.bid.selector);
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(play), moves);
    }

    /// @dev The highest bids and the credits are here, the highest bidder of each auction is the model's, its token is where its state says.
    function invariant_holds_the_highest_bids_and_their_tokens() external view {
        play.check();
        play.same();
        vm.assertEq(play.greedy().hits(), 0, "reentered");
    }

    function afterInvariant() external {
        play.finish();
        play.check();
    }
}
