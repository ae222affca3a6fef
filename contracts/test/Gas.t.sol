// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {IAsoudGovernor} from "../interfaces/IAsoudGovernor.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {IExchange} from "../interfaces/IExchange.sol";
import {AsoudGovernor} from "../src/AsoudGovernor.sol";
import {VotesToken} from "../src/VotesToken.sol";
import {EscrowSetup} from "./Escrow.t.sol";
import {ExchangeSetup} from "./Exchange.t.sol";
import {Test} from "./Test.sol";

// Whole transactions: FOUNDRY_GAS_SNAPSHOT_EMIT=true scripts/forge test --isolate --match-contract Gas

contract ExchangeGasTest is ExchangeSetup {
    /// @dev The usual buyer: holds a token of the collection already; the seller keeps one.
    function setUp() public override {
        super.setUp();
        collection.mint(buyer, "ipfs://two");
        collection.mint(seller, "ipfs://three");
        collection.mint(seller, "ipfs://four");
        dollar.mint(seller, 1);
        dollar.mint(artist, 1);
        dollar.mint(treasury, 1);
        odd.mint(seller, 1);
        // Earlier fees, so that the counter is warm storage as on any day but the first.
        warmFees();
    }

    function warmFees() private {
        uint256 id = collection.mint(seller, "ipfs://warm");
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        (listing.tokenId, listing.nonce) = (id, 1 << 20);
        buy(listing);
    }

    function measureBuy(address currency, uint256 price, string memory first, string memory repeat) private {
        IExchange.Listing memory listing = listingOf(currency, price);
        buy(listing);
        vm.snapshotGasLastCall("gas", first);
        (listing.tokenId, listing.nonce) = (3, 8);
        buy(listing);
        vm.snapshotGasLastCall("gas", repeat);
    }

    function test_buy_native() public {
        measureBuy(NATIVE, 1 ether, "buy native, first nonce of a word", "buy native, repeat");
    }

    function test_buy_token() public {
        measureBuy(address(dollar), 100e6, "buy ERC-20, first nonce of a word", "buy ERC-20, repeat");
    }

    function test_buy_without_royalty() public {
        collection.setRoyalty(address(0), 0);
        measureBuy(NATIVE, 1 ether, "buy native, no royalty, first", "buy native, no royalty, repeat");
    }

    function test_cancel() public {
        vm.prank(seller);
        exchange.cancel(1000);
        vm.snapshotGasLastCall("gas", "cancel, first nonce of a word");
        vm.prank(seller);
        exchange.cancel(1001);
        vm.snapshotGasLastCall("gas", "cancel, repeat");
        vm.prank(seller);
        exchange.cancelAll();
        vm.snapshotGasLastCall("gas", "cancel all");
    }

    function test_mint_and_transfer() public {
        collection.mint(artist, "ipfs://short");
        vm.snapshotGasLastCall("gas", "mint, new holder, URI of one word");
        collection.mint(artist, "ipfs://short");
        vm.snapshotGasLastCall("gas", "mint, same holder, URI of one word");
        collection.mint(artist, "ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy");
        vm.snapshotGasLastCall("gas", "mint, same holder, URI of three words");
        vm.prank(seller);
        collection.transferFrom(seller, buyer, 3);
        vm.snapshotGasLastCall("gas", "transfer, existing holder");
    }
}

contract EscrowGasTest is EscrowSetup {
    /// @dev Others' money is in the contract already.
    function setUp() public override {
        super.setUp();
        IEscrow.Terms memory t = termsOf(address(dollar), 1e6);
        t.orderId = "earlier";
        fund(t);
        dollar.mint(seller, 1);
        dollar.mint(treasury, 1);
    }

    function bare(address asset, uint256 amount) private view returns (IEscrow.Terms memory t) {
        t = termsOf(asset, amount);
        (t.feeBps, t.feeReceiver) = (0, address(0));
    }

    function test_native() public {
        IEscrow.Terms memory t = bare(NATIVE, 1 ether);
        fund(t);
        vm.snapshotGasLastCall("gas", "escrow create native");
        ship(t);
        vm.snapshotGasLastCall("gas", "escrow ship");
        vm.prank(buyer);
        escrow.release(t);
        vm.snapshotGasLastCall("gas", "escrow release native, no fee");
    }

    function test_native_with_fee() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bringTo(t, IEscrow.State.SHIPPED);
        vm.prank(buyer);
        escrow.release(t);
        vm.snapshotGasLastCall("gas", "escrow release native, fee");
    }

    function test_refund() public {
        IEscrow.Terms memory t = bare(NATIVE, 1 ether);
        fund(t);
        vm.prank(seller);
        escrow.refund(t);
        vm.snapshotGasLastCall("gas", "escrow refund native");
    }

    function test_auto_release() public {
        IEscrow.Terms memory t = bare(NATIVE, 1 ether);
        bringTo(t, IEscrow.State.SHIPPED);
        vm.warp(NOW + 3 days);
        vm.prank(stranger);
        escrow.releaseExpired(t);
        vm.snapshotGasLastCall("gas", "escrow auto-release native, no fee");
    }

    function test_dispute_and_ruling() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bringTo(t, IEscrow.State.DISPUTED);
        vm.snapshotGasLastCall("gas", "escrow dispute");
        vm.prank(arbiter);
        escrow.rule(t, 0.5 ether, 0);
        vm.snapshotGasLastCall("gas", "escrow rule native, fee");
    }

    function test_token() public {
        IEscrow.Terms memory t = bare(address(dollar), 100e6);
        fund(t);
        vm.snapshotGasLastCall("gas", "escrow create ERC-20");
        vm.prank(buyer);
        escrow.release(t);
        vm.snapshotGasLastCall("gas", "escrow release ERC-20, no fee");
    }
}

contract GovernanceGasTest is Test {
    function test_a_proposal() public {
        vm.warp(NOW);
        TimelockController timelock = new TimelockController(2, new address[](0), new address[](1), address(this));
        (address[] memory holders, uint256[] memory amounts) = (new address[](1), new uint256[](1));
        (holders[0], amounts[0]) = (address(this), 1000 ether);
        VotesToken token = new VotesToken("ASOUD Votes", "ASV", holders, amounts);
        AsoudGovernor governor = new AsoudGovernor(IVotes(address(token)), timelock, IAsoudGovernor.GovernorTerms(1, 10, 1 ether, 4, 5));
        timelock.grantRole(timelock.PROPOSER_ROLE(), address(governor));
        token.delegate(address(this));
        vm.warp(NOW + 1);
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = (new address[](1), new uint256[](1), new bytes[](1));
        targets[0] = address(0xdead);
        uint256 id = governor.propose(targets, values, calls, "Test");
        vm.snapshotGasLastCall("gas", "propose");
        vm.warp(NOW + 3);
        governor.castVote(id, 1);
        vm.snapshotGasLastCall("gas", "vote, first voter, late-quorum protection");
        vm.warp(NOW + 20);
        governor.queue(targets, values, calls, keccak256("Test"));
        vm.snapshotGasLastCall("gas", "queue");
        vm.warp(NOW + 30);
        governor.execute(targets, values, calls, keccak256("Test"));
        vm.snapshotGasLastCall("gas", "execute");
    }
}
