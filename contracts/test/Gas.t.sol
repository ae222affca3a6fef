// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {GovernorTimelockControl} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockControl.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {GovernorVotesQuorumFraction} from "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {IAsoudGovernor} from "../interfaces/IAsoudGovernor.sol";
import {ICheckout} from "../interfaces/ICheckout.sol";
import {IStudio} from "../interfaces/IStudio.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {IExchange} from "../interfaces/IExchange.sol";
import {AsoudGovernor} from "../src/AsoudGovernor.sol";
import {BatchCollection} from "../src/BatchCollection.sol";
import {Collection} from "../src/Collection.sol";
import {Deposits} from "../src/Deposits.sol";
import {VotesToken} from "../src/VotesToken.sol";
import {CheckoutSetup} from "./Checkout.t.sol";
import {EscrowSetup} from "./Escrow.t.sol";
import {EscrowGrowthSetup} from "./EscrowGrowth.t.sol";
import {StudioSetup} from "./Studio.t.sol";
import {ExchangeSetup} from "./Exchange.t.sol";
import {Test} from "./Test.sol";

// Whole transactions, when run by scripts/bench/gas.

abstract contract ExchangeGasSetup is ExchangeSetup {
    string internal constant CID_URI = "ipfs://bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";

    /// @dev The usual buyer: holds a token of the collection already; the seller keeps one.
    function setUp() public virtual override {
        super.setUp();
        prepare();
    }

    function prepare() internal {
        collection.mint(buyer, "ipfs://two");
        collection.mint(seller, "ipfs://three");
        collection.mint(seller, "ipfs://four");
        dollar.mint(seller, 1);
        dollar.mint(artist, 1);
        dollar.mint(treasury, 1);
        odd.mint(seller, 1);
        // Earlier fees, so that the counter is warm storage as on any day but the first.
        uint256 id = collection.mint(seller, "ipfs://warm");
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        (listing.tokenId, listing.nonce) = (id, 1 << 20);
        buy(listing);
    }

    /// @dev The same code at an address of its own, so that the cost of a clone shows as a difference.
    function withoutClone() internal {
        address place = address(0xC0DE);
        vm.etch(place, address(new Collection()).code);
        collection = Collection(place);
        collection.initialize(address(this), IStudio.CollectionTerms("Pictures", "PIC", "ipfs://all", artist, ROYALTY_BPS, 0));
        collection.mint(seller, "ipfs://one");
        vm.prank(seller);
        collection.setApprovalForAll(address(exchange), true);
        collection.mint(buyer, "ipfs://two");
        collection.mint(seller, "ipfs://three");
        collection.mint(seller, "ipfs://four");
    }

    function measureBuy(address currency, uint256 price, string memory first, string memory repeat) internal {
        IExchange.Listing memory listing = listingOf(currency, price);
        buy(listing);
        vm.snapshotGasLastCall("gas", first);
        (listing.tokenId, listing.nonce) = (3, 8);
        buy(listing);
        vm.snapshotGasLastCall("gas", repeat);
    }
}

contract ExchangeGasTest is ExchangeGasSetup {
    function test_buy_native() public {
        measureBuy(NATIVE, 1 ether, "buy native, clone, first nonce of a word", "buy native, clone, repeat");
    }

    function test_buy_native_without_clone() public {
        withoutClone();
        measureBuy(NATIVE, 1 ether, "buy native, first nonce of a word", "buy native, repeat");
    }

    function test_buy_token() public {
        measureBuy(address(dollar), 100e6, "buy ERC-20, clone, first nonce of a word", "buy ERC-20, clone, repeat");
    }

    function test_buy_token_without_clone() public {
        withoutClone();
        measureBuy(address(dollar), 100e6, "buy ERC-20, first nonce of a word", "buy ERC-20, repeat");
    }

    function test_buy_without_royalty() public {
        collection.setRoyalty(address(0), 0);
        measureBuy(NATIVE, 1 ether, "buy native, clone, no royalty, first", "buy native, clone, no royalty, repeat");
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
        collection.mint(artist, CID_URI);
        vm.snapshotGasLastCall("gas", "mint, clone, new holder, IPFS URI");
        collection.mint(artist, CID_URI);
        vm.snapshotGasLastCall("gas", "mint, clone, same holder, IPFS URI");
        collection.mint(artist, "https://example.com/collections/pictures/metadata/tokens/twelve.json");
        vm.snapshotGasLastCall("gas", "mint, clone, same holder, other URI of three words");
        vm.prank(seller);
        collection.transferFrom(seller, buyer, 3);
        vm.snapshotGasLastCall("gas", "transfer, clone, existing holder");
    }

    function test_mint_and_transfer_without_clone() public {
        withoutClone();
        collection.mint(artist, CID_URI);
        vm.snapshotGasLastCall("gas", "mint, new holder, IPFS URI");
        collection.mint(artist, CID_URI);
        vm.snapshotGasLastCall("gas", "mint, same holder, IPFS URI");
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

contract EscrowGrowthGasTest is EscrowGrowthSetup {
    function test_parts_and_signature() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        fund(t);
        vm.prank(buyer);
        escrow.releasePart(t, 0.1 ether);
        vm.snapshotGasLastCall("gas", "escrow release a part native, fee");
        vm.prank(seller);
        escrow.refundPart(t, 0.1 ether);
        vm.snapshotGasLastCall("gas", "escrow refund a part native");
        escrow.releaseSigned(t, 0.8 ether, 1, uint64(NOW), signRelease(t, 0.8 ether, 1, uint64(NOW)));
        vm.snapshotGasLastCall("gas", "escrow release by signature native, fee");
    }

    function test_settlement() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        fund(t);
        vm.prank(seller);
        escrow.offerSettlement(t, 0.5 ether);
        vm.snapshotGasLastCall("gas", "escrow offer a settlement");
        vm.prank(buyer);
        escrow.acceptSettlement(t, 0.5 ether);
        vm.snapshotGasLastCall("gas", "escrow accept a settlement native, fee");
    }

    function test_appeal() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        fundAppealable(t);
        vm.snapshotGasLastCall("gas", "escrow create native, with appeal");
        ship(t);
        dispute(t);
        vm.prank(arbiter);
        escrow.rule(t, 0.5 ether, 0);
        vm.snapshotGasLastCall("gas", "escrow rule, with appeal");
        vm.prank(buyer);
        escrow.appeal(t, EVIDENCE);
        vm.snapshotGasLastCall("gas", "escrow appeal");
        vm.prank(court);
        escrow.ruleAppeal(t, 0.5 ether, 0);
        vm.snapshotGasLastCall("gas", "escrow rule on an appeal native, fee");
    }
}

contract CheckoutGasTest is CheckoutSetup {
    function test_pay() public {
        dollar.mint(payee, 1);
        dollar.mint(treasury, 1);
        pay(invoiceOf(NATIVE, 1 ether), 1 ether);
        vm.snapshotGasLastCall("gas", "checkout pay native, fee");
        pay(invoiceOf(address(dollar), 100e6), 100e6);
        vm.snapshotGasLastCall("gas", "checkout pay ERC-20, fee");
    }

    function test_pay_out_to_ten() public {
        ICheckout.Payout[] memory all = new ICheckout.Payout[](10);
        for (uint256 i; i < 10; ++i) {
            all[i] = ICheckout.Payout(address(uint160(0x1000 + i)), 1e6, bytes32(i));
            dollar.mint(all[i].to, 1);
            vm.deal(all[i].to, 1);
        }
        vm.prank(payer);
        checkout.payOut{value: 10e6}(NATIVE, all);
        vm.snapshotGasLastCall("gas", "checkout pay out to 10, native");
        vm.prank(payer);
        checkout.payOut(address(dollar), all);
        vm.snapshotGasLastCall("gas", "checkout pay out to 10, ERC-20");
    }

    function test_deposit() public {
        Deposits deposits = new Deposits();
        (bytes32[] memory ids, address[] memory assets) = (new bytes32[](1), new address[](1));
        address forwarder = deposits.addressOf(treasury, ids[0]);
        vm.deal(forwarder, 1 ether);
        deposits.sweep(treasury, ids, assets);
        vm.snapshotGasLastCall("gas", "deposit sweep native, first of an address");
        vm.deal(forwarder, 1 ether);
        deposits.sweep(treasury, ids, assets);
        vm.snapshotGasLastCall("gas", "deposit sweep native, repeat");
    }
}

contract StudioGasTest is StudioSetup {
    /// @dev Not a clone, as the anchors were not.
    function bare() private returns (BatchCollection) {
        vm.etch(address(0xC0DE), address(new BatchCollection()).code);
        BatchCollection batch = BatchCollection(address(0xC0DE));
        batch.initialize(address(this), IStudio.CollectionTerms("Pictures", "PIC", "", address(0), 0, 0));
        batch.mintBatch(merchant, 1);
        return batch;
    }

    function test_batches() public {
        BatchCollection batch = bare();
        batch.mintBatch(fan, 5);
        vm.snapshotGasLastCall("gas", "mint 5 (batch), new holder");
        batch.mintBatch(artist, 10);
        vm.snapshotGasLastCall("gas", "mint 10 (batch), new holder");
        batch.mintBatch(artist, 10);
        vm.snapshotGasLastCall("gas", "mint 10 (batch), same holder");
        vm.prank(artist);
        batch.transferFrom(artist, fan, 10);
        vm.snapshotGasLastCall("gas", "transfer (batch), in the middle of one");
    }

    function test_editions_and_voucher() public {
        vm.prank(minter);
        editions.mint(fan, 1, 5);
        vm.snapshotGasLastCall("gas", "mint editions, clone, new holder");
        IStudio.Voucher memory v = voucherOf(1 ether);
        bytes memory signature = sign(collection, v, merchantKey);
        vm.prank(fan);
        collection.redeem{value: 1 ether}(v, URI, signature);
        vm.snapshotGasLastCall("gas", "redeem a voucher, clone, native, first nonce of a word");
    }
}

/// @dev The modules that the anchors were measured with: no late-quorum protection, no threshold.
contract BareGovernor is Governor, GovernorSettings, GovernorCountingSimple, GovernorVotes, GovernorVotesQuorumFraction, GovernorTimelockControl {
    constructor(IVotes token_, TimelockController timelock_)
        Governor("Bare")
        GovernorSettings(1, 10, 0)
        GovernorVotes(token_)
        GovernorVotesQuorumFraction(4)
        GovernorTimelockControl(timelock_)
    {}

    function state(uint256 id) public view override(Governor, GovernorTimelockControl) returns (ProposalState) {
        return super.state(id);
    }

    function proposalNeedsQueuing(uint256 id) public view override(Governor, GovernorTimelockControl) returns (bool) {
        return super.proposalNeedsQueuing(id);
    }

    function proposalThreshold() public view override(Governor, GovernorSettings) returns (uint256) {
        return super.proposalThreshold();
    }

    function _queueOperations(uint256 id, address[] memory targets, uint256[] memory values, bytes[] memory calls, bytes32 hash)
        internal
        override(Governor, GovernorTimelockControl)
        returns (uint48)
    {
        return super._queueOperations(id, targets, values, calls, hash);
    }

    function _executeOperations(uint256 id, address[] memory targets, uint256[] memory values, bytes[] memory calls, bytes32 hash)
        internal
        override(Governor, GovernorTimelockControl)
    {
        super._executeOperations(id, targets, values, calls, hash);
    }

    function _cancel(address[] memory targets, uint256[] memory values, bytes[] memory calls, bytes32 hash)
        internal
        override(Governor, GovernorTimelockControl)
        returns (uint256)
    {
        return super._cancel(targets, values, calls, hash);
    }

    function _executor() internal view override(Governor, GovernorTimelockControl) returns (address) {
        return super._executor();
    }
}

contract GovernanceGasTest is Test {
    TimelockController internal timelock;
    VotesToken internal token;

    function setUp() public {
        vm.warp(NOW);
        timelock = new TimelockController(2, new address[](0), new address[](1), address(this));
        (address[] memory holders, uint256[] memory amounts) = (new address[](1), new uint256[](1));
        (holders[0], amounts[0]) = (address(this), 1000 ether);
        token = new VotesToken("ASOUD Votes", "ASV", holders, amounts);
        token.delegate(address(this));
    }

    function test_a_proposal() public {
        Governor governor = new AsoudGovernor(IVotes(address(token)), timelock, IAsoudGovernor.GovernorTerms(1, 10, 1 ether, 4, 5));
        measure(governor, "propose, threshold", "vote, first voter, late-quorum protection", "queue, late-quorum protection", "execute");
    }

    function test_a_proposal_in_bare_modules() public {
        measure(new BareGovernor(IVotes(address(token)), timelock), "propose, bare", "vote, bare", "queue, bare", "execute, bare");
    }

    function measure(Governor governor, string memory propose, string memory vote, string memory queue, string memory execute) private {
        timelock.grantRole(timelock.PROPOSER_ROLE(), address(governor));
        vm.warp(NOW + 1);
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = (new address[](1), new uint256[](1), new bytes[](1));
        targets[0] = address(0xdead);
        uint256 id = governor.propose(targets, values, calls, "Test");
        vm.snapshotGasLastCall("gas", propose);
        vm.warp(NOW + 3);
        governor.castVote(id, 1);
        vm.snapshotGasLastCall("gas", vote);
        vm.warp(NOW + 20);
        governor.queue(targets, values, calls, keccak256("Test"));
        vm.snapshotGasLastCall("gas", queue);
        vm.warp(NOW + 30);
        governor.execute(targets, values, calls, keccak256("Test"));
        vm.snapshotGasLastCall("gas", execute);
    }
}
