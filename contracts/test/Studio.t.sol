// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC721A} from "erc721a/contracts/IERC721A.sol";
import {Ownable} from "solady/src/auth/Ownable.sol";
import {ERC1155} from "solady/src/tokens/ERC1155.sol";
import {ERC721} from "solady/src/tokens/ERC721.sol";
import {IBatchCollection} from "../interfaces/IBatchCollection.sol";
import {ICollection} from "../interfaces/ICollection.sol";
import {IEditions} from "../interfaces/IEditions.sol";
import {IERC5192} from "../interfaces/IERC5192.sol";
import {IStudio} from "../interfaces/IStudio.sol";
import {BadgeCollection} from "../src/BadgeCollection.sol";
import {BatchCollection} from "../src/BatchCollection.sol";
import {Collection} from "../src/Collection.sol";
import {CollectionFactory} from "../src/CollectionFactory.sol";
import {Editions} from "../src/Editions.sol";
import {Studio} from "../src/Studio.sol";
import {CoinRefuser, OddToken, Reenterer, Wallet1271} from "./Parties.sol";
import {Test} from "./Test.sol";

abstract contract StudioSetup is Test {
    string internal constant URI = "ipfs://bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";

    Collection internal collection;
    BadgeCollection internal badges;
    BatchCollection internal batches;
    Editions internal editions;
    OddToken internal odd;
    address internal merchant;
    address internal minter;
    address internal editor;
    address internal fan;
    address internal artist;
    uint256 internal merchantKey;
    uint256 internal minterKey;

    function setUp() public virtual {
        vm.warp(NOW);
        vm.chainId(31337);
        (merchant, merchantKey) = actor("merchant");
        (minter, minterKey) = actor("minter");
        (editor,) = actor("editor");
        (fan,) = actor("fan");
        (artist,) = actor("artist");
        odd = new OddToken();
        odd.mint(fan, 1000);
        collection = Collection(make(address(new Collection())));
        badges = BadgeCollection(make(address(new BadgeCollection())));
        batches = BatchCollection(make(address(new BatchCollection())));
        editions = Editions(make(address(new Editions())));
        vm.startPrank(merchant);
        editions.createEdition(URI, 100);
        Studio[3] memory all = [Studio(collection), batches, editions];
        for (uint256 i; i < 3; ++i) {
            all[i].grantRoles(minter, all[i].MINTER_ROLE());
            all[i].grantRoles(editor, all[i].EDITOR_ROLE());
        }
        vm.stopPrank();
        vm.startPrank(fan);
        odd.approve(address(collection), type(uint256).max);
        vm.stopPrank();
    }

    function make(address implementation) internal returns (address) {
        CollectionFactory factory = new CollectionFactory(newManager(), implementation);
        vm.prank(merchant);
        return factory.create(IStudio.CollectionTerms("Pictures", "PIC", "ipfs://all", artist, 500, 20), bytes32(0));
    }

    function voucherOf(uint256 price) internal view returns (IStudio.Voucher memory v) {
        (v.signer, v.payee, v.price, v.quantity) = (merchant, artist, price, 1);
        (v.content, v.nonce, v.deadline) = (keccak256(bytes(URI)), 1, uint64(NOW + 1 days));
    }

    function sign(Studio studio, IStudio.Voucher memory v, uint256 key) internal view returns (bytes memory) {
        (uint8 y, bytes32 r, bytes32 s) = vm.sign(key, studio.hashVoucher(v));
        return abi.encodePacked(r, s, y);
    }

    function redeem(IStudio.Voucher memory v) internal returns (uint256) {
        bytes memory signature = sign(collection, v, merchantKey);
        vm.prank(fan);
        return collection.redeem{value: v.currency == address(0) ? v.price : 0}(v, URI, signature);
    }

    function redeemReverts(IStudio.Voucher memory v, bytes memory reason) internal {
        bytes memory signature = sign(collection, v, merchantKey);
        vm.expectRevert(reason);
        vm.prank(fan);
        collection.redeem{value: v.currency == address(0) ? v.price : 0}(v, URI, signature);
    }

    function bad(string memory field) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IStudio.BadVoucher.selector, field);
    }
}

contract VoucherTest is StudioSetup {
    function test_minted_and_paid_in_one() public {
        IStudio.Voucher memory v = voucherOf(1 ether);
        bytes32 digest = collection.hashVoucher(v);
        vm.expectEmit();
        emit ICollection.Minted(1, fan, URI);
        vm.expectEmit();
        emit IStudio.VoucherRedeemed(digest, merchant, fan, artist, address(0), 1 ether, 1, 1, 1);
        vm.assertEq(redeem(v), 1);
        vm.assertEq(collection.ownerOf(1), fan);
        vm.assertEq(collection.tokenURI(1), URI);
        vm.assertEq(artist.balance, 101 ether);
        vm.assertTrue(collection.voucherUsed(merchant, 1));
        redeemReverts(v, abi.encodeWithSelector(IStudio.NonceUsed.selector, merchant, 1));
    }

    function test_digest_is_eip712() public view {
        IStudio.Voucher memory v = voucherOf(1 ether);
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("ASOUD Collection"),
                keccak256("1"),
                31337,
                address(collection)
            )
        );
        bytes32 typeHash = keccak256(
            "Voucher(address signer,address redeemer,address payee,address currency,uint256 price,uint256 tokenId,uint256 quantity,bytes32 content,uint256 nonce,uint64 deadline)"
        );
        vm.assertEq(collection.hashVoucher(v), keccak256(abi.encodePacked(hex"1901", domain, keccak256(abi.encode(typeHash, v)))));
    }

    function test_paid_in_a_token() public {
        IStudio.Voucher memory v = voucherOf(100);
        v.currency = address(odd);
        OddToken.Habit[3] memory habits = [OddToken.Habit.TAKES_FEE, OddToken.Habit.RETURNS_FALSE, OddToken.Habit.LIES];
        for (uint256 i; i < 3; ++i) {
            odd.setHabit(habits[i]);
            redeemReverts(v, abi.encodeWithSelector(IStudio.PaymentFailed.selector, address(odd), artist, 100));
        }
        odd.setHabit(OddToken.Habit.NONE);
        redeem(v);
        vm.assertEq(odd.balanceOf(artist), 100);
        v.nonce = 2;
        v.payee = fan;
        redeem(v);
        vm.assertEq(odd.balanceOf(fan), 900);
    }

    function test_vouchers_that_cannot_be_redeemed() public {
        IStudio.Voucher memory v = voucherOf(1 ether);
        v.redeemer = artist;
        redeemReverts(v, bad("redeemer"));
        v = voucherOf(1 ether);
        v.payee = address(0);
        redeemReverts(v, bad("payee"));
        v = voucherOf(1);
        v.currency = artist;
        redeemReverts(v, bad("currency"));
        v = voucherOf(0);
        v.quantity = 2;
        redeemReverts(v, bad("quantity"));
        v = voucherOf(0);
        v.tokenId = 1;
        redeemReverts(v, bad("quantity"));
        v = voucherOf(0);
        v.content = 0;
        redeemReverts(v, bad("content"));
        v = voucherOf(1 ether);
        bytes memory signature = sign(collection, v, merchantKey);
        vm.expectRevert(abi.encodeWithSelector(IStudio.WrongValue.selector, 1, 1 ether));
        vm.prank(fan);
        collection.redeem{value: 1}(v, URI, signature);
        vm.warp(NOW + 1 days + 1);
        redeemReverts(v, bad("deadline"));
    }

    function test_who_signs() public {
        IStudio.Voucher memory v = voucherOf(0);
        bytes memory signature = sign(collection, v, minterKey);
        vm.expectRevert(abi.encodeWithSelector(IStudio.BadSignature.selector, merchant));
        vm.prank(fan);
        collection.redeem(v, URI, signature);
        v.signer = minter;
        signature = sign(collection, v, minterKey);
        vm.prank(fan);
        collection.redeem(v, URI, signature);
        vm.prank(merchant);
        collection.revokeRoles(minter, 1);
        v.nonce = 2;
        signature = sign(collection, v, minterKey);
        vm.expectRevert(abi.encodeWithSelector(IStudio.BadSignature.selector, minter));
        vm.prank(fan);
        collection.redeem(v, URI, signature);
    }

    function test_for_this_clone_only() public {
        IStudio.Voucher memory v = voucherOf(0);
        bytes memory signature = sign(collection, v, merchantKey);
        Collection twin = Collection(make(address(new Collection())));
        vm.expectRevert(abi.encodeWithSelector(IStudio.BadSignature.selector, merchant));
        vm.prank(fan);
        twin.redeem(v, URI, signature);
    }

    function test_a_wallet_as_merchant() public {
        Wallet1271 wallet = new Wallet1271(merchant);
        vm.prank(merchant);
        collection.transferOwnership(address(wallet));
        IStudio.Voucher memory v = voucherOf(0);
        v.signer = address(wallet);
        (uint8 y, bytes32 r, bytes32 s) = vm.sign(merchantKey, collection.hashVoucher(v));
        vm.prank(fan);
        collection.redeem(v, URI, abi.encode(r, s, y));
        vm.assertEq(collection.ownerOf(1), fan);
    }

    function test_voided() public {
        vm.expectEmit();
        emit IStudio.VoucherVoided(merchant, 1);
        vm.prank(merchant);
        collection.voidVoucher(1);
        redeemReverts(voucherOf(0), abi.encodeWithSelector(IStudio.NonceUsed.selector, merchant, 1));
    }

    /// @dev Who sees an open voucher may take it first; a bound one nobody else can take.
    function test_front_run() public {
        IStudio.Voucher memory v = voucherOf(1 ether);
        v.redeemer = fan;
        bytes memory signature = sign(collection, v, merchantKey);
        vm.expectRevert(bad("redeemer"));
        vm.prank(artist);
        collection.redeem{value: 1 ether}(v, URI, signature);
        redeem(v);
    }

    function test_a_payee_that_refuses_waits() public {
        CoinRefuser refuser = new CoinRefuser();
        IStudio.Voucher memory v = voucherOf(1 ether);
        v.payee = address(refuser);
        redeem(v);
        vm.assertEq(collection.creditOf(address(refuser), address(0)), 1 ether);
    }

    function test_a_payee_that_reenters() public {
        Reenterer greedy = new Reenterer();
        IStudio.Voucher memory v = voucherOf(1 ether);
        v.payee = address(greedy);
        IStudio.Voucher memory free = voucherOf(0);
        free.nonce = 2;
        greedy.arm(address(collection), abi.encodeCall(collection.redeem, (free, URI, sign(collection, free, merchantKey))));
        redeem(v);
        vm.assertEq(greedy.hits(), 0);
    }

    function testFuzz_any_changed_field_breaks_the_signature(uint256 field, uint256 salt) public {
        IStudio.Voucher memory v = voucherOf(1 ether);
        bytes memory signature = sign(collection, v, merchantKey);
        salt = bound(salt, 1, 1000);
        field = bound(field, 0, 4);
        if (field == 0) v.price -= salt;
        if (field == 1) v.nonce += salt;
        if (field == 2) v.deadline += uint64(salt);
        if (field == 3) v.payee = fan;
        if (field == 4) v.redeemer = fan;
        vm.expectRevert(abi.encodeWithSelector(IStudio.BadSignature.selector, merchant));
        vm.prank(fan);
        collection.redeem{value: v.price}(v, URI, signature);
    }
}

contract StaffTest is StudioSetup {
    function test_staff_does_its_work_and_no_other() public {
        vm.prank(minter);
        collection.mint(fan, URI);
        vm.startPrank(editor);
        collection.setTokenURI(1, "ipfs://x");
        collection.setContractURI("ipfs://y");
        collection.setRoyalty(artist, 100);
        vm.expectRevert(Ownable.Unauthorized.selector);
        collection.mint(fan, URI);
        vm.expectRevert(Ownable.Unauthorized.selector);
        collection.freezeMetadata();
        vm.expectRevert(Ownable.Unauthorized.selector);
        collection.grantRoles(editor, 1);
        vm.stopPrank();
        vm.startPrank(minter);
        vm.expectRevert(Ownable.Unauthorized.selector);
        collection.setTokenURI(1, "ipfs://x");
        vm.expectRevert(Ownable.Unauthorized.selector);
        collection.setTokenRoyalty(1, fan, 1);
        vm.expectRevert(Ownable.Unauthorized.selector);
        collection.setRoyalty(fan, 1);
        vm.expectRevert(Ownable.Unauthorized.selector);
        collection.setContractURI("");
        vm.stopPrank();
    }

    function test_royalty_of_one_token() public {
        vm.startPrank(editor);
        vm.expectEmit();
        emit IStudio.TokenRoyaltyChanged(2, fan, 1000);
        collection.setTokenRoyalty(2, fan, 1000);
        collection.setTokenRoyalty(3, fan, 0);
        (address receiver, uint256 amount) = collection.royaltyInfo(2, 10_000);
        vm.assertEq(receiver, fan);
        vm.assertEq(amount, 1000);
        (, amount) = collection.royaltyInfo(3, 10_000);
        vm.assertEq(amount, 0);
        (receiver, amount) = collection.royaltyInfo(1, 10_000);
        vm.assertEq(receiver, artist);
        vm.assertEq(amount, 500);
        collection.setTokenRoyalty(2, address(0), 0);
        (receiver,) = collection.royaltyInfo(2, 10_000);
        vm.assertEq(receiver, artist);
        vm.expectRevert(abi.encodeWithSelector(IStudio.BadRoyalty.selector, fan, 1001, 1000));
        collection.setTokenRoyalty(2, fan, 1001);
        vm.expectRevert(abi.encodeWithSelector(IStudio.BadRoyalty.selector, address(0), 1, 1000));
        collection.setTokenRoyalty(2, address(0), 1);
        vm.stopPrank();
    }

    function test_burned_for_good() public {
        vm.prank(minter);
        collection.mint(fan, URI);
        vm.expectRevert(ERC721.NotOwnerNorApproved.selector);
        vm.prank(merchant);
        collection.burn(1);
        vm.prank(fan);
        collection.burn(1);
        vm.expectRevert(ERC721.TokenDoesNotExist.selector);
        collection.tokenURI(1);
        vm.prank(minter);
        vm.assertEq(collection.mint(fan, URI), 2);
        vm.assertEq(collection.totalMinted(), 2);
    }

    function test_badges_stay() public {
        vm.expectEmit();
        emit IERC5192.Locked(1);
        vm.prank(merchant);
        badges.mint(fan, URI);
        vm.assertTrue(badges.locked(1));
        vm.assertTrue(badges.supportsInterface(0xb45a3c0e));
        vm.assertTrue(badges.supportsInterface(0x80ac58cd));
        vm.expectRevert(ERC721.TokenDoesNotExist.selector);
        badges.locked(2);
        vm.startPrank(fan);
        vm.expectRevert(abi.encodeWithSelector(IERC5192.TokenLocked.selector, 1));
        badges.transferFrom(fan, artist, 1);
        vm.expectRevert(abi.encodeWithSelector(IERC5192.TokenLocked.selector, 1));
        badges.safeTransferFrom(fan, artist, 1);
        badges.burn(1);
        vm.stopPrank();
        vm.assertEq(badges.balanceOf(fan), 0);
    }
}

contract BatchTest is StudioSetup {
    function test_a_batch() public {
        vm.prank(minter);
        vm.assertEq(batches.mintBatch(fan, 5), 0);
        vm.prank(merchant);
        vm.assertEq(batches.mintBatch(artist, 2), 5);
        vm.assertEq(batches.ownerOf(4), fan);
        vm.assertEq(batches.ownerOf(6), artist);
        vm.assertEq(batches.totalMinted(), 7);
        vm.assertEq(batches.name(), "Pictures");
        vm.assertEq(batches.symbol(), "PIC");
        vm.assertEq(batches.contractURI(), "ipfs://all");
        vm.expectEmit();
        emit IStudio.BatchMetadataUpdate(0, 6);
        vm.prank(editor);
        batches.setBaseURI("ipfs://folder/");
        vm.assertEq(batches.tokenURI(6), "ipfs://folder/6");
        vm.assertTrue(batches.supportsInterface(0x80ac58cd) && batches.supportsInterface(0x2a55205a) && batches.supportsInterface(0x49064906));
        vm.assertFalse(batches.supportsInterface(0xffffffff));
    }

    function test_base_uri_before_tokens_and_after_freezing() public {
        vm.recordLogs();
        vm.prank(merchant);
        batches.setBaseURI("ipfs://folder/");
        vm.assertEq(vm.getRecordedLogs().length, 1);
        vm.prank(merchant);
        batches.freezeMetadata();
        vm.assertTrue(batches.metadataFrozen());
        vm.expectRevert(IStudio.Frozen.selector);
        vm.prank(merchant);
        batches.setBaseURI("");
    }

    function test_caps() public {
        vm.startPrank(minter);
        vm.expectRevert(abi.encodeWithSelector(IBatchCollection.BadQuantity.selector, 0));
        batches.mintBatch(fan, 0);
        vm.expectRevert(abi.encodeWithSelector(IBatchCollection.BadQuantity.selector, 101));
        batches.mintBatch(fan, 101);
        batches.mintBatch(fan, 19);
        vm.expectRevert(abi.encodeWithSelector(IStudio.SupplyExhausted.selector, 20));
        batches.mintBatch(fan, 2);
        batches.mintBatch(fan, 1);
        vm.stopPrank();
        vm.assertEq(batches.maxSupply(), 20);
        vm.expectRevert(Ownable.Unauthorized.selector);
        batches.mintBatch(fan, 1);
        vm.expectRevert(Ownable.Unauthorized.selector);
        batches.setBaseURI("");
    }

    function test_burn_by_its_owner() public {
        vm.prank(minter);
        batches.mintBatch(fan, 3);
        vm.expectRevert(IERC721A.TransferCallerNotOwnerNorApproved.selector);
        vm.prank(merchant);
        batches.burn(1);
        vm.prank(fan);
        batches.burn(1);
        vm.assertEq(batches.totalSupply(), 2);
        vm.assertEq(batches.totalMinted(), 3);
    }

    function test_a_voucher_for_several() public {
        IStudio.Voucher memory v = voucherOf(1 ether);
        (v.quantity, v.content) = (4, 0);
        bytes memory signature = sign(batches, v, merchantKey);
        vm.prank(fan);
        vm.assertEq(batches.redeem{value: 1 ether}(v, signature), 0);
        vm.assertEq(batches.balanceOf(fan), 4);
        v.content = bytes32(uint256(1));
        vm.expectRevert(bad("content"));
        batches.redeem(v, "");
        (v.content, v.tokenId) = (0, 1);
        vm.expectRevert(bad("content"));
        batches.redeem(v, "");
    }

    function test_the_implementation_is_closed() public {
        BatchCollection implementation = new BatchCollection();
        vm.expectRevert(Ownable.AlreadyInitialized.selector);
        implementation.initialize(fan, IStudio.CollectionTerms("", "", "", address(0), 0, 0));
    }
}

contract EditionsTest is StudioSetup {
    function test_an_edition() public {
        vm.expectEmit();
        emit IEditions.EditionCreated(2, 10, URI);
        vm.expectEmit();
        emit ERC1155.URI(URI, 2);
        vm.prank(minter);
        vm.assertEq(editions.createEdition(URI, 10), 2);
        vm.prank(minter);
        editions.mint(fan, 2, 4);
        vm.assertEq(editions.balanceOf(fan, 2), 4);
        (uint256 minted, uint256 most) = editions.editionOf(2);
        vm.assertEq(minted, 4);
        vm.assertEq(most, 10);
        vm.assertEq(editions.editionCount(), 2);
        vm.assertEq(editions.uri(2), URI);
        vm.assertEq(editions.name(), "Pictures");
        vm.assertEq(editions.symbol(), "PIC");
        vm.assertTrue(editions.supportsInterface(0xd9b67a26) && editions.supportsInterface(0x2a55205a));
    }

    function test_caps() public {
        vm.startPrank(minter);
        vm.expectRevert(abi.encodeWithSelector(IEditions.UnitsExhausted.selector, 1, 101, 100));
        editions.mint(fan, 1, 101);
        vm.expectRevert(abi.encodeWithSelector(IEditions.UnitsExhausted.selector, 1, 0, 100));
        editions.mint(fan, 1, 0);
        editions.mint(fan, 1, 60);
        vm.stopPrank();
        vm.prank(fan);
        editions.burn(fan, 1, 60);
        vm.expectRevert(abi.encodeWithSelector(IEditions.UnitsExhausted.selector, 1, 41, 40));
        vm.prank(minter);
        editions.mint(fan, 1, 41);
        vm.startPrank(minter);
        uint256 tooMany = uint256(type(uint96).max) + 1;
        vm.expectRevert(abi.encodeWithSelector(IEditions.UnitsExhausted.selector, 0, tooMany, type(uint96).max));
        editions.createEdition(URI, tooMany);
        uint256 open = editions.createEdition(URI, 0);
        editions.mint(fan, open, type(uint96).max);
        vm.stopPrank();
    }

    function test_refusals() public {
        vm.startPrank(minter);
        vm.expectRevert(abi.encodeWithSelector(IEditions.UnknownEdition.selector, 9));
        editions.mint(fan, 9, 1);
        vm.expectRevert(IEditions.EmptyURI.selector);
        editions.createEdition("", 1);
        vm.expectRevert(Ownable.Unauthorized.selector);
        editions.setURI(1, "ipfs://x");
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(IEditions.UnknownEdition.selector, 9));
        editions.uri(9);
        vm.startPrank(editor);
        vm.expectRevert(abi.encodeWithSelector(IEditions.UnknownEdition.selector, 9));
        editions.setURI(9, "ipfs://x");
        vm.expectRevert(Ownable.Unauthorized.selector);
        editions.createEdition(URI, 1);
        vm.expectRevert(Ownable.Unauthorized.selector);
        editions.mint(fan, 1, 1);
        editions.setURI(1, "ipfs://x");
        vm.assertEq(editions.uri(1), "ipfs://x");
        vm.stopPrank();
        vm.prank(merchant);
        editions.freezeMetadata();
        vm.expectRevert(IStudio.Frozen.selector);
        vm.prank(editor);
        editions.setURI(1, "ipfs://y");
        vm.expectRevert(ERC1155.NotOwnerNorApproved.selector);
        vm.prank(merchant);
        editions.burn(fan, 1, 1);
    }

    function test_a_voucher_for_units() public {
        IStudio.Voucher memory v = voucherOf(1 ether);
        (v.tokenId, v.quantity, v.content) = (1, 7, 0);
        bytes memory signature = sign(editions, v, merchantKey);
        vm.prank(fan);
        editions.redeem{value: 1 ether}(v, signature);
        vm.assertEq(editions.balanceOf(fan, 1), 7);
        vm.assertEq(artist.balance, 101 ether);
        v.content = bytes32(uint256(1));
        vm.expectRevert(bad("content"));
        editions.redeem(v, signature);
    }

    function test_the_number_of_editions_is_capped() public {
        vm.startPrank(minter);
        for (uint256 i; i < 19; ++i) {
            editions.createEdition(URI, 1);
        }
        vm.expectRevert(abi.encodeWithSelector(IStudio.SupplyExhausted.selector, 20));
        editions.createEdition(URI, 1);
        vm.stopPrank();
    }
}
