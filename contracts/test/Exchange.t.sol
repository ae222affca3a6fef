// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {ERC721} from "solady/src/tokens/ERC721.sol";
import {ReentrancyGuardTransient} from "solady/src/utils/ReentrancyGuardTransient.sol";
import {IStudio} from "../interfaces/IStudio.sol";
import {IExchange} from "../interfaces/IExchange.sol";
import {IPayouts} from "../interfaces/IPayouts.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {Collection} from "../src/Collection.sol";
import {CollectionFactory} from "../src/CollectionFactory.sol";
import {DevDollar} from "../src/DevDollar.sol";
import {Exchange} from "../src/Exchange.sol";
import {CoinRefuser, GasBurner, HungryWallet, OddCollection, OddToken, Reenterer, ReturnBomb, Wallet1271} from "./Parties.sol";
import {Test} from "./Test.sol";

abstract contract ExchangeSetup is Test {
    uint16 internal constant FEE_BPS = 250;
    uint16 internal constant ROYALTY_BPS = 500;
    address internal constant NATIVE = address(0);

    Exchange internal exchange;
    Collection internal collection;
    DevDollar internal dollar;
    OddToken internal odd;
    address internal seller;
    address internal buyer;
    address internal artist;
    address internal treasury;
    uint256 internal sellerKey;
    uint256 internal tokenId;

    function setUp() public virtual {
        vm.warp(NOW);
        vm.chainId(31337);
        (seller, sellerKey) = actor("seller");
        (buyer,) = actor("buyer");
        (artist,) = actor("artist");
        (treasury,) = actor("treasury");
        dollar = new DevDollar();
        odd = new OddToken();
        address[] memory currencies = new address[](2);
        (currencies[0], currencies[1]) = (address(dollar), address(odd));
        exchange = new Exchange(newManager(), treasury, FEE_BPS, currencies);
        collection = makeCollection();
        tokenId = collection.mint(seller, "ipfs://one");
        vm.prank(seller);
        collection.setApprovalForAll(address(exchange), true);
        fundBuyer(1000e6);
    }

    function makeCollection() internal returns (Collection) {
        CollectionFactory factory = new CollectionFactory(newManager(), address(new Collection()));
        IStudio.CollectionTerms memory terms = IStudio.CollectionTerms("Pictures", "PIC", "ipfs://all", artist, ROYALTY_BPS, 0);
        return Collection(factory.create(terms, bytes32(0)));
    }

    function fundBuyer(uint256 amount) internal {
        dollar.mint(buyer, amount);
        odd.mint(buyer, amount);
        vm.startPrank(buyer);
        dollar.approve(address(exchange), type(uint256).max);
        odd.approve(address(exchange), type(uint256).max);
        vm.stopPrank();
    }

    function listingOf(address currency, uint256 price) internal view returns (IExchange.Listing memory) {
        return IExchange.Listing({
            seller: seller,
            collection: address(collection),
            tokenId: tokenId,
            currency: currency,
            price: price,
            minProceeds: 0,
            buyer: address(0),
            start: uint64(NOW),
            end: uint64(NOW + 1 days),
            nonce: 7,
            epoch: 0
        });
    }

    function sign(IExchange.Listing memory listing, uint256 key) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, exchange.hashListing(listing));
        return abi.encodePacked(r, s, v);
    }

    function signed(IExchange.Listing memory listing) internal view returns (bytes memory) {
        return sign(listing, sellerKey);
    }

    function buy(IExchange.Listing memory listing) internal {
        bytes memory signature = signed(listing);
        vm.prank(buyer);
        exchange.buy{value: listing.currency == NATIVE ? listing.price : 0}(listing, signature);
    }

    function buyReverts(IExchange.Listing memory listing, bytes memory signature, uint256 value, bytes memory reason) internal {
        vm.expectRevert(reason);
        vm.prank(buyer);
        exchange.buy{value: value}(listing, signature);
    }
}

contract ExchangeSaleTest is ExchangeSetup {
    function test_native_sale_pays_everybody_and_tells() public {
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        vm.expectEmit();
        emit ISettlement.Sold(
            exchange.hashListing(listing),
            seller,
            buyer,
            ISettlement.SaleKind.LISTING,
            address(collection),
            tokenId,
            1,
            NATIVE,
            1 ether,
            artist,
            0.05 ether,
            0.025 ether,
            7
        );
        buy(listing);
        vm.assertEq(collection.ownerOf(tokenId), buyer);
        vm.assertEq(seller.balance, 100 ether + 0.925 ether);
        vm.assertEq(artist.balance, 100 ether + 0.05 ether);
        vm.assertEq(exchange.collectableFees(), 0.025 ether);
        vm.assertTrue(exchange.nonceUsed(seller, 7));
    }

    function test_token_sale_pays_everybody_straight() public {
        buy(listingOf(address(dollar), 100e6));
        vm.assertEq(collection.ownerOf(tokenId), buyer);
        vm.assertEq(dollar.balanceOf(seller), 92.5e6);
        vm.assertEq(dollar.balanceOf(artist), 5e6);
        vm.assertEq(dollar.balanceOf(treasury), 2.5e6);
        vm.assertEq(dollar.balanceOf(address(exchange)), 0);
    }

    function test_fees_reach_their_receiver_once() public {
        buy(listingOf(NATIVE, 1 ether));
        vm.assertEq(exchange.collectFees(), 0.025 ether);
        vm.assertEq(treasury.balance, 100.025 ether);
        vm.assertEq(exchange.collectFees(), 0);
        vm.assertEq(address(exchange).balance, 0);
    }

    function test_digest_is_eip712() public view {
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("ASOUD Exchange"),
                keccak256("1"),
                31337,
                address(exchange)
            )
        );
        bytes32 typeHash = keccak256(
            "Listing(address seller,address collection,uint256 tokenId,address currency,uint256 price,uint256 minProceeds,address buyer,uint64 start,uint64 end,uint256 nonce,uint256 epoch)"
        );
        bytes32 structHash = keccak256(abi.encode(typeHash, listing));
        vm.assertEq(exchange.hashListing(listing), keccak256(abi.encodePacked(hex"1901", domain, structHash)));
    }

    function test_compact_signature() public {
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(sellerKey, exchange.hashListing(listing));
        bytes32 vs = bytes32(uint256(s) | (uint256(v - 27) << 255));
        vm.prank(buyer);
        exchange.buy{value: 1 ether}(listing, abi.encodePacked(r, vs));
        vm.assertEq(collection.ownerOf(tokenId), buyer);
    }

    function test_private_listing_sells_to_its_buyer() public {
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        listing.buyer = buyer;
        buy(listing);
        vm.assertEq(collection.ownerOf(tokenId), buyer);
    }

    function test_royalty_to_the_seller_itself_is_proceeds() public {
        collection.setRoyalty(seller, 1000);
        buy(listingOf(NATIVE, 1 ether));
        vm.assertEq(seller.balance, 100 ether + 0.975 ether);
    }

    function test_sale_for_nothing() public {
        buy(listingOf(NATIVE, 0));
        vm.assertEq(collection.ownerOf(tokenId), buyer);
    }

    function test_royalty_receiver_may_buy_with_token() public {
        collection.setRoyalty(buyer, 1000);
        buy(listingOf(address(dollar), 100e6));
        vm.assertEq(dollar.balanceOf(buyer), 1000e6 - 90e6);
    }

    function testFuzz_native_sale_conserves(uint256 price, uint256 royaltyBps, uint256 feeBps) public {
        price = bound(price, 0, 50 ether);
        uint16 royalty = uint16(bound(royaltyBps, 0, 1000));
        collection.setRoyalty(royalty == 0 ? address(0) : artist, royalty);
        exchange.setFee(treasury, uint16(bound(feeBps, 0, 500)));
        buy(listingOf(NATIVE, price));
        uint256 fee = exchange.collectableFees();
        vm.assertEq(seller.balance - 100 ether + artist.balance - 100 ether + fee, price);
        vm.assertEq(address(exchange).balance, fee);
        vm.assertEq(artist.balance - 100 ether, price * royalty / 10_000);
    }

    function testFuzz_token_sale_conserves(uint256 price, uint256 royaltyBps, uint256 feeBps) public {
        price = bound(price, 0, 1000e6);
        uint16 royalty = uint16(bound(royaltyBps, 0, 1000));
        collection.setRoyalty(royalty == 0 ? address(0) : artist, royalty);
        exchange.setFee(treasury, uint16(bound(feeBps, 0, 500)));
        buy(listingOf(address(dollar), price));
        vm.assertEq(dollar.balanceOf(seller) + dollar.balanceOf(artist) + dollar.balanceOf(treasury), price);
        vm.assertEq(dollar.balanceOf(buyer), 1000e6 - price);
    }
}

contract ExchangeRefusalTest is ExchangeSetup {
    function test_somebody_elses_signature() public {
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        (, uint256 otherKey) = actor("other");
        buyReverts(listing, sign(listing, otherKey), 1 ether, abi.encodeWithSelector(IExchange.BadSignature.selector, seller));
        buyReverts(listing, hex"1234", 1 ether, abi.encodeWithSelector(IExchange.BadSignature.selector, seller));
        buyReverts(listing, "", 1 ether, abi.encodeWithSelector(IExchange.BadSignature.selector, seller));
    }

    function test_nobodys_signature() public {
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        listing.seller = address(0);
        buyReverts(listing, new bytes(65), 1 ether, abi.encodeWithSelector(IExchange.BadSignature.selector, address(0)));
    }

    function testFuzz_any_changed_field_breaks_the_signature(uint256 field, uint256 salt) public {
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        bytes memory signature = signed(listing);
        field = bound(field, 0, 5);
        salt = bound(salt, 1, 1000);
        if (field == 0) listing.tokenId += salt;
        if (field == 1) listing.price -= salt;
        if (field == 2) listing.minProceeds += salt;
        if (field == 3) listing.end += uint64(salt);
        if (field == 4) listing.nonce += salt;
        if (field == 5) listing.collection = address(uint160(salt));
        buyReverts(listing, signature, listing.price, abi.encodeWithSelector(IExchange.BadSignature.selector, seller));
    }

    function test_signature_for_another_chain_or_contract() public {
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        bytes memory signature = signed(listing);
        vm.chainId(1);
        buyReverts(listing, signature, 1 ether, abi.encodeWithSelector(IExchange.BadSignature.selector, seller));
        vm.chainId(31337);
        Exchange twin = new Exchange(newManager(), treasury, FEE_BPS, new address[](0));
        vm.expectRevert(abi.encodeWithSelector(IExchange.BadSignature.selector, seller));
        vm.prank(buyer);
        twin.buy{value: 1 ether}(listing, signature);
    }

    function test_replay() public {
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        buy(listing);
        vm.prank(buyer);
        collection.transferFrom(buyer, seller, tokenId);
        bytes memory again = signed(listing);
        buyReverts(listing, again, 1 ether, abi.encodeWithSelector(IExchange.NonceUsed.selector, seller, 7));
    }

    function test_replay_with_the_other_form_of_the_signature() public {
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        buy(listing);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(sellerKey, exchange.hashListing(listing));
        uint256 n = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        bytes memory mirrored = abi.encodePacked(r, bytes32(n - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        buyReverts(listing, mirrored, 1 ether, abi.encodeWithSelector(IExchange.NonceUsed.selector, seller, 7));
    }

    function test_cancelled() public {
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        vm.expectEmit();
        emit IExchange.NonceCancelled(seller, 7);
        vm.prank(seller);
        exchange.cancel(7);
        buyReverts(listing, signed(listing), 1 ether, abi.encodeWithSelector(IExchange.NonceUsed.selector, seller, 7));
        vm.expectRevert(abi.encodeWithSelector(IExchange.NonceUsed.selector, seller, 7));
        vm.prank(seller);
        exchange.cancel(7);
        vm.assertTrue(exchange.nonceUsed(seller, 7));
    }

    function test_cancelled_with_many() public {
        uint256[] memory nonces = new uint256[](2);
        (nonces[0], nonces[1]) = (7, 700);
        vm.prank(seller);
        exchange.cancelMany(nonces);
        vm.assertTrue(exchange.nonceUsed(seller, 700));
        buyReverts(listingOf(NATIVE, 1 ether), signed(listingOf(NATIVE, 1 ether)), 1 ether, abi.encodeWithSelector(IExchange.NonceUsed.selector, seller, 7));
    }

    function test_a_sale_in_between_saves_no_other_listing() public {
        buy(listingOf(NATIVE, 1 ether));
        uint256[] memory nonces = new uint256[](3);
        (nonces[0], nonces[1], nonces[2]) = (7, 8, 8);
        vm.recordLogs();
        vm.prank(seller);
        exchange.cancelMany(nonces);
        vm.assertTrue(exchange.nonceUsed(seller, 7));
        vm.assertTrue(exchange.nonceUsed(seller, 8));
        vm.assertEq(vm.getRecordedLogs().length, 1);
    }

    function test_strangers_cancel_only_their_own() public {
        vm.prank(buyer);
        exchange.cancel(7);
        vm.prank(buyer);
        exchange.cancelAll();
        buy(listingOf(NATIVE, 1 ether));
        vm.assertEq(collection.ownerOf(tokenId), buyer);
    }

    function test_cancelled_all() public {
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        vm.expectEmit();
        emit IExchange.AllCancelled(seller, 1);
        vm.prank(seller);
        vm.assertEq(exchange.cancelAll(), 1);
        buyReverts(listing, signed(listing), 1 ether, abi.encodeWithSelector(IExchange.WrongEpoch.selector, seller, 0, 1));
        listing.epoch = exchange.epochOf(seller);
        buy(listing);
    }

    function test_outside_its_time() public {
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        bytes memory signature = signed(listing);
        bytes memory reason = abi.encodeWithSelector(IExchange.NotLive.selector, listing.start, listing.end);
        vm.warp(listing.start - 1);
        buyReverts(listing, signature, 1 ether, reason);
        vm.warp(listing.end + 1);
        buyReverts(listing, signature, 1 ether, reason);
        vm.warp(listing.end);
        buy(listing);
    }

    function test_for_another_buyer() public {
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        listing.buyer = artist;
        buyReverts(listing, signed(listing), 1 ether, abi.encodeWithSelector(IExchange.NotForCaller.selector, artist));
    }

    function test_own_listing() public {
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        bytes memory signature = signed(listing);
        vm.expectRevert(IExchange.SelfSale.selector);
        vm.prank(seller);
        exchange.buy{value: 1 ether}(listing, signature);
    }

    function test_wrong_value() public {
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        buyReverts(listing, signed(listing), 1 ether - 1, abi.encodeWithSelector(ISettlement.WrongValue.selector, 1 ether - 1, 1 ether));
        buyReverts(listing, signed(listing), 1 ether + 1, abi.encodeWithSelector(ISettlement.WrongValue.selector, 1 ether + 1, 1 ether));
        listing = listingOf(address(dollar), 1e6);
        buyReverts(listing, signed(listing), 1, abi.encodeWithSelector(ISettlement.WrongValue.selector, 1, 0));
    }

    function test_currency_off_the_list() public {
        exchange.setCurrency(address(dollar), false);
        vm.assertFalse(exchange.currencyAllowed(address(dollar)));
        IExchange.Listing memory listing = listingOf(address(dollar), 1e6);
        buyReverts(listing, signed(listing), 0, abi.encodeWithSelector(ISettlement.CurrencyNotAllowed.selector, address(dollar)));
    }

    function test_raised_royalty_cannot_eat_the_proceeds() public {
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        listing.minProceeds = 0.925 ether;
        bytes memory signature = signed(listing);
        collection.setRoyalty(artist, 501);
        bytes memory reason = abi.encodeWithSelector(ISettlement.ProceedsTooLow.selector, 0.9249 ether, 0.925 ether);
        buyReverts(listing, signature, 1 ether, reason);
        collection.setRoyalty(artist, 500);
        buy(listing);
    }

    function test_token_not_the_sellers_any_more() public {
        vm.prank(seller);
        collection.transferFrom(seller, artist, tokenId);
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        buyReverts(listing, signed(listing), 1 ether, abi.encodeWithSelector(ERC721.TransferFromIncorrectOwner.selector));
    }

    function test_approval_withdrawn() public {
        vm.prank(seller);
        collection.setApprovalForAll(address(exchange), false);
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        buyReverts(listing, signed(listing), 1 ether, abi.encodeWithSelector(ERC721.NotOwnerNorApproved.selector));
    }

    function test_buyer_without_money() public {
        IExchange.Listing memory listing = listingOf(address(dollar), 1001e6);
        bytes memory signature = signed(listing);
        vm.expectPartialRevert(ISettlement.PaymentFailed.selector);
        vm.prank(buyer);
        exchange.buy(listing, signature);
        vm.assertEq(collection.ownerOf(tokenId), seller);
        vm.assertFalse(exchange.nonceUsed(seller, 7));
    }
}

contract ExchangeHostileTest is ExchangeSetup {
    function oddListing(OddCollection strange, uint256 price) internal returns (IExchange.Listing memory listing) {
        strange.mint(seller, 1);
        vm.prank(seller);
        strange.setApprovalForAll(address(exchange), true);
        listing = listingOf(NATIVE, price);
        (listing.collection, listing.tokenId) = (address(strange), 1);
    }

    function walletListing(address wallet) internal returns (IExchange.Listing memory listing) {
        vm.prank(seller);
        collection.transferFrom(seller, wallet, tokenId);
        listing = listingOf(NATIVE, 1 ether);
        listing.seller = wallet;
    }

    function makeWallet() internal returns (Wallet1271 wallet) {
        wallet = new Wallet1271(seller);
        wallet.call(address(collection), 0, abi.encodeCall(collection.setApprovalForAll, (address(exchange), true)));
    }

    function signedForWallet(IExchange.Listing memory listing) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(sellerKey, exchange.hashListing(listing));
        return abi.encode(r, s, v);
    }

    function test_contract_wallet_signs() public {
        Wallet1271 wallet = makeWallet();
        IExchange.Listing memory listing = walletListing(address(wallet));
        bytes memory signature = signedForWallet(listing);
        vm.prank(buyer);
        exchange.buy{value: 1 ether}(listing, signature);
        vm.assertEq(collection.ownerOf(tokenId), buyer);
        vm.assertEq(address(wallet).balance, 0.925 ether);
    }

    function test_contract_wallet_that_does_not_agree() public {
        Wallet1271 wallet = makeWallet();
        IExchange.Listing memory listing = walletListing(address(wallet));
        bytes memory signature = signedForWallet(listing);
        for (uint8 mode = 1; mode < 4; ++mode) {
            wallet.setMode(Wallet1271.Mode(mode));
            buyReverts(listing, signature, 1 ether, abi.encodeWithSelector(IExchange.BadSignature.selector, address(wallet)));
        }
    }

    /// @dev EIP-7702: an account with code, whose code knows nothing of ERC-1271, still signs with its key.
    function test_account_with_code_signs_with_its_key() public {
        vm.etch(seller, address(new HungryWallet()).code);
        buy(listingOf(NATIVE, 1 ether));
        vm.assertEq(collection.ownerOf(tokenId), buyer);
    }

    function test_refused_coin_waits() public {
        CoinRefuser refuser = new CoinRefuser();
        collection.setRoyalty(address(refuser), 1000);
        vm.expectEmit();
        emit IPayouts.Credited(address(refuser), NATIVE, 0.1 ether);
        buy(listingOf(NATIVE, 1 ether));
        vm.assertEq(collection.ownerOf(tokenId), buyer);
        vm.assertEq(exchange.creditOf(address(refuser), NATIVE), 0.1 ether);
        vm.assertEq(address(exchange).balance, 0.1 ether + 0.025 ether);

        vm.expectRevert(abi.encodeWithSelector(IPayouts.WithdrawalRefused.selector, address(refuser)));
        exchange.withdraw(address(refuser), NATIVE);
        refuser.setOpen(true);
        vm.expectEmit();
        emit IPayouts.Withdrawn(address(refuser), NATIVE, address(refuser), 0.1 ether);
        exchange.withdraw(address(refuser), NATIVE);
        vm.assertEq(address(refuser).balance, 0.1 ether);
        vm.expectRevert(abi.encodeWithSelector(IPayouts.NothingToWithdraw.selector, address(refuser), NATIVE));
        exchange.withdraw(address(refuser), NATIVE);
    }

    function test_refused_coin_can_go_elsewhere() public {
        CoinRefuser refuser = new CoinRefuser();
        collection.setRoyalty(address(refuser), 1000);
        buy(listingOf(NATIVE, 1 ether));
        refuser.call(address(exchange), 0, abi.encodeCall(exchange.withdrawTo, (treasury, NATIVE)));
        vm.assertEq(treasury.balance, 100.1 ether);
        vm.expectRevert(abi.encodeWithSelector(IPayouts.NothingToWithdraw.selector, buyer, NATIVE));
        vm.prank(buyer);
        exchange.withdrawTo(buyer, NATIVE);
    }

    function test_gas_burner_and_return_bomb_cost_little() public {
        collection.setRoyalty(address(new GasBurner()), 1000);
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        uint256 before = gasleft();
        buy(listing);
        vm.assertLe(before - gasleft(), 350_000, "burner");
        tokenId = collection.mint(seller, "ipfs://two");
        collection.setRoyalty(address(new ReturnBomb()), 1000);
        listing = listingOf(NATIVE, 1 ether);
        listing.nonce = 8;
        before = gasleft();
        buy(listing);
        vm.assertLe(before - gasleft(), 350_000, "bomb");
    }

    /// @dev At every gas limit: either nothing happens, or the wallet that can take coin is paid, never credited.
    function testFuzz_little_gas_never_credits_a_willing_receiver(uint256 limit) public {
        HungryWallet wallet = new HungryWallet();
        collection.setRoyalty(address(wallet), 1000);
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        bytes memory signature = signed(listing);
        limit = bound(limit, 60_000, 400_000);
        vm.prank(buyer);
        (bool done,) = address(exchange).call{value: 1 ether, gas: limit}(abi.encodeCall(exchange.buy, (listing, signature)));
        vm.assertEq(wallet.received(), done ? 0.1 ether : 0);
        vm.assertEq(exchange.creditOf(address(wallet), NATIVE), 0);
    }

    function test_royalty_that_burns_gas_bombs_or_lies_is_none() public {
        OddCollection strange = new OddCollection();
        IExchange.Listing memory listing = oddListing(strange, 1 ether);
        bytes memory signature = signed(listing);
        for (uint8 answer = 2; answer < 7; ++answer) {
            strange.setAnswer(OddCollection.Answer(answer), artist, 1 ether);
            (address receiver, uint256 amount) = exchange.royaltyOf(address(strange), 1, 1 ether);
            bool bomb = OddCollection.Answer(answer) == OddCollection.Answer.BOMB;
            vm.assertEq(receiver, address(0));
            vm.assertEq(amount, 0, bomb ? "bomb" : "answer");
        }
        strange.setAnswer(OddCollection.Answer.BURNS_GAS, artist, 1 ether);
        uint256 before = gasleft();
        vm.prank(buyer);
        exchange.buy{value: 1 ether}(listing, signature);
        vm.assertLe(before - gasleft(), 350_000, "royalty gas");
    }

    function test_half_an_answer_is_no_royalty() public {
        OddCollection strange = new OddCollection();
        strange.setAnswer(OddCollection.Answer.SHORT, artist, 1 ether);
        buy(oddListing(strange, 1 ether));
        vm.assertEq(seller.balance, 100.975 ether);
    }

    function test_greedy_royalty_is_cut() public {
        OddCollection strange = new OddCollection();
        strange.setAnswer(OddCollection.Answer.PAIR, artist, type(uint256).max);
        buy(oddListing(strange, 1 ether));
        vm.assertEq(artist.balance, 100.1 ether);
        vm.assertEq(seller.balance, 100.875 ether);
    }

    function test_too_little_gas_for_the_royalty() public {
        vm.expectRevert(IPayouts.NotEnoughGas.selector);
        exchange.royaltyOf{gas: 60_000}(address(collection), 1, 1 ether);
    }

    function test_collection_that_keeps_the_token() public {
        OddCollection strange = new OddCollection();
        strange.setKeepsToken(true);
        IExchange.Listing memory listing = oddListing(strange, 1 ether);
        buyReverts(listing, signed(listing), 1 ether, abi.encodeWithSelector(ISettlement.TokenNotDelivered.selector, address(strange), 1));
    }

    function test_erc20_is_no_collection() public {
        dollar.mint(seller, 5);
        vm.prank(seller);
        dollar.approve(address(exchange), 5);
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        (listing.collection, listing.tokenId) = (address(dollar), 5);
        bytes memory signature = signed(listing);
        vm.expectRevert();
        vm.prank(buyer);
        exchange.buy{value: 1 ether}(listing, signature);
    }

    function test_account_without_code_is_no_collection() public {
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        listing.collection = artist;
        bytes memory signature = signed(listing);
        vm.expectRevert();
        vm.prank(buyer);
        exchange.buy{value: 1 ether}(listing, signature);
    }

    function test_collection_that_reenters() public {
        OddCollection strange = new OddCollection();
        IExchange.Listing memory listing = oddListing(strange, 0);
        bytes memory signature = signed(listing);
        strange.arm(address(exchange), abi.encodeCall(exchange.buy, (listing, signature)));
        buyReverts(listing, signature, 0, abi.encodeWithSelector(ReentrancyGuardTransient.Reentrancy.selector));
        strange.arm(address(exchange), abi.encodeCall(exchange.collectFees, ()));
        buyReverts(listing, signature, 0, abi.encodeWithSelector(ReentrancyGuardTransient.Reentrancy.selector));
    }

    function test_receiver_that_reenters_gets_its_due_only() public {
        Reenterer greedy = new Reenterer();
        collection.setRoyalty(address(greedy), 1000);
        greedy.arm(address(exchange), abi.encodeCall(exchange.collectFees, ()));
        buy(listingOf(NATIVE, 1 ether));
        // Its own gas is bounded: it may fail by that, or by the guard; in no case does it get more.
        vm.assertEq(greedy.hits(), 0);
        vm.assertEq(address(greedy).balance + exchange.creditOf(address(greedy), NATIVE), 0.1 ether);
    }

    function test_withdrawal_that_reenters() public {
        Reenterer greedy = new Reenterer();
        CoinRefuser refuser = new CoinRefuser();
        collection.setRoyalty(address(refuser), 1000);
        buy(listingOf(NATIVE, 1 ether));
        greedy.arm(address(exchange), abi.encodeCall(exchange.withdraw, (address(refuser), NATIVE)));
        refuser.call(address(exchange), 0, abi.encodeCall(exchange.withdrawTo, (address(greedy), NATIVE)));
        vm.assertEq(greedy.tries(), 1);
        vm.assertEq(greedy.hits(), 0);
        vm.assertEq(address(greedy).balance, 0.1 ether);
    }

    function test_withdrawal_to_nowhere() public {
        CoinRefuser refuser = new CoinRefuser();
        collection.setRoyalty(address(refuser), 1000);
        buy(listingOf(NATIVE, 1 ether));
        vm.expectRevert(abi.encodeWithSelector(IPayouts.WithdrawalRefused.selector, address(0)));
        refuser.call(address(exchange), 0, abi.encodeCall(exchange.withdrawTo, (address(0), NATIVE)));
        vm.expectRevert(abi.encodeWithSelector(IPayouts.WithdrawalRefused.selector, address(exchange)));
        refuser.call(address(exchange), 0, abi.encodeCall(exchange.withdrawTo, (address(exchange), NATIVE)));
    }

    function test_token_that_takes_a_fee_or_does_not_pay() public {
        IExchange.Listing memory listing = listingOf(address(odd), 100e6);
        bytes memory signature = signed(listing);
        OddToken.Habit[4] memory habits = [OddToken.Habit.TAKES_FEE, OddToken.Habit.RETURNS_FALSE, OddToken.Habit.LIES, OddToken.Habit.GIVES_MORE];
        for (uint256 i; i < 4; ++i) {
            odd.setHabit(habits[i]);
            vm.expectPartialRevert(ISettlement.PaymentFailed.selector);
            vm.prank(buyer);
            exchange.buy(listing, signature);
        }
        vm.assertEq(collection.ownerOf(tokenId), seller);
    }

    function test_token_that_takes_a_fee_is_no_credit_either() public {
        odd.setHabit(OddToken.Habit.TAKES_FEE);
        odd.bar(treasury, true);
        IExchange.Listing memory listing = listingOf(address(odd), 100e6);
        buyReverts(listing, signed(listing), 0, abi.encodeWithSelector(ISettlement.PaymentFailed.selector, address(odd), treasury, 2.5e6));
    }

    function test_token_that_returns_nothing_pays() public {
        odd.setHabit(OddToken.Habit.RETURNS_NOTHING);
        buy(listingOf(address(odd), 100e6));
        vm.assertEq(odd.balanceOf(seller), 92.5e6);
    }

    function test_barred_receivers_block_nobody() public {
        odd.bar(artist, true);
        odd.bar(treasury, true);
        odd.bar(seller, true);
        buy(listingOf(address(odd), 100e6));
        vm.assertEq(collection.ownerOf(tokenId), buyer);
        vm.assertEq(exchange.creditOf(artist, address(odd)), 5e6);
        vm.assertEq(exchange.creditOf(treasury, address(odd)), 2.5e6);
        vm.assertEq(exchange.creditOf(seller, address(odd)), 92.5e6);
        vm.assertEq(odd.balanceOf(address(exchange)), 100e6);
        odd.bar(artist, false);
        exchange.withdraw(artist, address(odd));
        vm.assertEq(odd.balanceOf(artist), 5e6);
        vm.prank(seller);
        exchange.withdrawTo(buyer, address(odd));
        vm.assertEq(odd.balanceOf(address(exchange)), 2.5e6);
    }
}

contract ExchangeOwnerTest is ExchangeSetup {
    function test_nobody_else_sets() public {
        bytes memory reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, seller);
        vm.startPrank(seller);
        vm.expectRevert(reason);
        exchange.setFee(seller, 1);
        vm.expectRevert(reason);
        exchange.setCurrency(address(odd), false);
        vm.stopPrank();
    }

    function test_fee_has_a_hard_cap_and_a_receiver() public {
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BadFee.selector, treasury, 501));
        exchange.setFee(treasury, 501);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BadFee.selector, address(0), 1));
        exchange.setFee(address(0), 1);
        vm.expectEmit();
        emit ISettlement.FeeChanged(artist, 500);
        exchange.setFee(artist, 500);
        (address receiver, uint16 bps) = exchange.fee();
        vm.assertEq(receiver, artist);
        vm.assertEq(bps, 500);
    }

    function test_changing_the_fee_keeps_what_was_collected() public {
        buy(listingOf(NATIVE, 1 ether));
        exchange.setFee(artist, 100);
        vm.assertEq(exchange.collectableFees(), 0.025 ether);
    }

    function test_fee_receiver_that_refuses_blocks_no_sale() public {
        CoinRefuser refuser = new CoinRefuser();
        exchange.setFee(address(refuser), 500);
        buy(listingOf(NATIVE, 1 ether));
        vm.expectRevert(abi.encodeWithSelector(IPayouts.WithdrawalRefused.selector, address(refuser)));
        exchange.collectFees();
        exchange.setFee(treasury, 500);
        vm.assertEq(exchange.collectFees(), 0.05 ether);
    }

    function test_currency_must_be_a_contract() public {
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BadAddress.selector, seller));
        exchange.setCurrency(seller, true);
        vm.assertTrue(exchange.currencyAllowed(NATIVE));
    }
}
