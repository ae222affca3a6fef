// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "solady/src/auth/Ownable.sol";
import {ERC721} from "solady/src/tokens/ERC721.sol";
import {ICollection} from "../interfaces/ICollection.sol";
import {IStudio} from "../interfaces/IStudio.sol";
import {ICollectionFactory} from "../interfaces/ICollectionFactory.sol";
import {IDevDollar} from "../interfaces/IDevDollar.sol";
import {Collection} from "../src/Collection.sol";
import {CollectionFactory} from "../src/CollectionFactory.sol";
import {DevDollar} from "../src/DevDollar.sol";
import {Test} from "./Test.sol";

contract CollectionTest is Test {
    CollectionFactory internal factory;
    Collection internal implementation;
    Collection internal collection;
    address internal merchant;
    address internal artist;
    address internal stranger;

    function setUp() public {
        (merchant,) = actor("merchant");
        (artist,) = actor("artist");
        (stranger,) = actor("stranger");
        implementation = new Collection();
        factory = new CollectionFactory(newManager(), address(implementation));
        collection = create(2, bytes32(0));
    }

    function termsOf(uint256 cap) private view returns (IStudio.CollectionTerms memory) {
        return IStudio.CollectionTerms("Pictures", "PIC", "ipfs://all", artist, 500, cap);
    }

    function create(uint256 cap, bytes32 salt) private returns (Collection) {
        vm.prank(merchant);
        return Collection(factory.create(termsOf(cap), salt));
    }

    function mint(address to) private returns (uint256) {
        vm.prank(merchant);
        return collection.mint(to, "ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy");
    }

    function test_factory_puts_it_where_it_said_and_tells_all() public {
        address expected = factory.predict(merchant, "salt");
        vm.expectEmit();
        emit ICollectionFactory.CollectionCreated(expected, merchant, "salt", "Pictures", "PIC", "ipfs://all", artist, 500, 9);
        vm.assertEq(address(create(9, "salt")), expected);
        vm.assertEq(Collection(expected).owner(), merchant);
        vm.assertEq(Collection(expected).name(), "Pictures");
        vm.assertEq(Collection(expected).symbol(), "PIC");
        vm.assertEq(Collection(expected).contractURI(), "ipfs://all");
        vm.assertEq(Collection(expected).maxSupply(), 9);
    }

    function test_nobody_takes_the_address_of_another() public {
        vm.prank(stranger);
        address taken = factory.create(termsOf(0), "salt");
        vm.assertFalse(taken == factory.predict(merchant, "salt"));
        vm.expectRevert(abi.encodeWithSelector(ICollectionFactory.SaltUsed.selector, address(collection)));
        create(2, bytes32(0));
    }

    function test_factory_needs_code_to_clone() public {
        vm.expectRevert(abi.encodeWithSelector(ICollectionFactory.BadImplementation.selector, stranger));
        new CollectionFactory(address(1), stranger);
    }

    function test_set_up_once_and_never_the_implementation() public {
        vm.expectRevert(Ownable.AlreadyInitialized.selector);
        collection.initialize(stranger, termsOf(0));
        vm.expectRevert(Ownable.AlreadyInitialized.selector);
        implementation.initialize(stranger, termsOf(0));
    }

    function test_mint_counts_and_tells() public {
        vm.expectEmit();
        emit ICollection.Minted(1, artist, "ipfs://x");
        vm.prank(merchant);
        vm.assertEq(collection.mint(artist, "ipfs://x"), 1);
        vm.assertEq(mint(stranger), 2);
        vm.assertEq(collection.ownerOf(2), stranger);
        vm.assertEq(collection.tokenURI(1), "ipfs://x");
        vm.assertEq(collection.tokenURI(2), "ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy");
        vm.assertEq(collection.totalMinted(), 2);
    }

    function test_supply_is_capped() public {
        mint(artist);
        mint(artist);
        vm.expectRevert(abi.encodeWithSelector(IStudio.SupplyExhausted.selector, 2));
        mint(artist);
        collection = create(0, "open");
        for (uint256 i; i < 5; ++i) {
            mint(artist);
        }
        vm.assertEq(collection.totalMinted(), 5);
    }

    function test_merchant_alone() public {
        mint(merchant);
        vm.startPrank(stranger);
        vm.expectRevert(Ownable.Unauthorized.selector);
        collection.mint(stranger, "x");
        vm.expectRevert(Ownable.Unauthorized.selector);
        collection.setTokenURI(1, "x");
        vm.expectRevert(Ownable.Unauthorized.selector);
        collection.freezeMetadata();
        vm.expectRevert(Ownable.Unauthorized.selector);
        collection.setContractURI("x");
        vm.expectRevert(Ownable.Unauthorized.selector);
        collection.setRoyalty(stranger, 1);
        vm.stopPrank();
    }

    function test_metadata_changes_until_frozen() public {
        mint(artist);
        vm.startPrank(merchant);
        vm.expectEmit();
        emit ICollection.TokenURIChanged(1, "ipfs://new");
        vm.expectEmit();
        emit IStudio.MetadataUpdate(1);
        collection.setTokenURI(1, "ipfs://new");
        vm.assertEq(collection.tokenURI(1), "ipfs://new");
        vm.expectRevert(ERC721.TokenDoesNotExist.selector);
        collection.setTokenURI(2, "x");
        vm.expectRevert(ICollection.EmptyURI.selector);
        collection.setTokenURI(1, "");
        vm.expectEmit();
        emit IStudio.MetadataFrozen();
        collection.freezeMetadata();
        vm.assertTrue(collection.metadataFrozen());
        vm.expectRevert(IStudio.Frozen.selector);
        collection.setTokenURI(1, "x");
        vm.expectRevert(IStudio.Frozen.selector);
        collection.freezeMetadata();
        vm.expectRevert(ICollection.EmptyURI.selector);
        collection.mint(artist, "");
        vm.stopPrank();
    }

    function test_contract_metadata() public {
        vm.expectEmit();
        emit IStudio.ContractURIChanged("ipfs://b");
        vm.expectEmit();
        emit IStudio.ContractURIUpdated();
        vm.prank(merchant);
        collection.setContractURI("ipfs://b");
        vm.assertEq(collection.contractURI(), "ipfs://b");
    }

    function test_metadata_moves_between_short_and_long() public {
        string memory short = "ipfs://bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
        string memory folder = "ipfs://bafybeihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
        uint256 id = mint(artist);
        string[5] memory uris = [short, "https://example.com/1.json", folder, short, "x"];
        for (uint256 i; i < 5; ++i) {
            vm.prank(merchant);
            collection.setTokenURI(id, uris[i]);
            vm.assertEq(collection.tokenURI(id), uris[i]);
            vm.prank(artist);
            collection.transferFrom(artist, artist, id);
            vm.assertEq(collection.tokenURI(id), uris[i]);
        }
    }

    function test_no_mint_to_nobody() public {
        vm.expectRevert(ERC721.TransferToZeroAddress.selector);
        vm.prank(merchant);
        collection.mint(address(0), "ipfs://x");
    }

    function test_unknown_token_has_no_metadata() public {
        vm.expectRevert(ERC721.TokenDoesNotExist.selector);
        collection.tokenURI(1);
    }

    function test_royalty() public {
        (address receiver, uint256 amount) = collection.royaltyInfo(1, 1 ether);
        vm.assertEq(receiver, artist);
        vm.assertEq(amount, 0.05 ether);
        vm.startPrank(merchant);
        vm.expectEmit();
        emit IStudio.RoyaltyChanged(stranger, 1000);
        collection.setRoyalty(stranger, 1000);
        vm.expectRevert(abi.encodeWithSelector(IStudio.BadRoyalty.selector, stranger, 1001, 1000));
        collection.setRoyalty(stranger, 1001);
        vm.expectRevert(abi.encodeWithSelector(IStudio.BadRoyalty.selector, address(0), 1, 1000));
        collection.setRoyalty(address(0), 1);
        vm.expectRevert(abi.encodeWithSelector(IStudio.BadRoyalty.selector, stranger, 0, 1000));
        collection.setRoyalty(stranger, 0);
        collection.setRoyalty(address(0), 0);
        vm.stopPrank();
        (receiver, amount) = collection.royaltyInfo(1, 1 ether);
        vm.assertEq(receiver, address(0));
        vm.assertEq(amount, 0);
    }

    function test_collection_without_royalty() public {
        IStudio.CollectionTerms memory terms = termsOf(0);
        (terms.royaltyReceiver, terms.royaltyBps) = (address(0), 0);
        (address receiver,) = Collection(factory.create(terms, "none")).royaltyInfo(1, 1 ether);
        vm.assertEq(receiver, address(0));
        terms.royaltyBps = 1001;
        vm.expectPartialRevert(IStudio.BadRoyalty.selector);
        factory.create(terms, "greedy");
        terms = termsOf(uint256(type(uint64).max) + 1);
        vm.expectPartialRevert(IStudio.SupplyExhausted.selector);
        factory.create(terms, "endless");
    }

    function test_interfaces() public view {
        bytes4[5] memory ids = [bytes4(0x01ffc9a7), 0x80ac58cd, 0x5b5e139f, 0x2a55205a, 0x49064906];
        for (uint256 i; i < 5; ++i) {
            vm.assertTrue(collection.supportsInterface(ids[i]));
        }
        vm.assertFalse(collection.supportsInterface(0xffffffff));
    }

    function testFuzz_any_uri_comes_back(string calldata uri) public {
        if (bytes(uri).length == 0) return;
        vm.prank(merchant);
        collection.mint(artist, uri);
        vm.assertEq(collection.tokenURI(1), uri);
    }
}

contract DevDollarTest is Test {
    function test_only_on_the_development_chain() public {
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(IDevDollar.DevelopmentOnly.selector, 1));
        new DevDollar();
    }

    function test_anyone_mints_and_permits() public {
        vm.chainId(31337);
        vm.warp(NOW);
        DevDollar dollar = new DevDollar();
        (address owner, uint256 key) = actor("owner");
        dollar.mint(owner, 5e6);
        vm.assertEq(dollar.decimals(), 6);
        bytes32 typeHash = keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 permit = keccak256(abi.encode(typeHash, owner, address(this), 2e6, 0, NOW));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(abi.encodePacked(hex"1901", dollar.DOMAIN_SEPARATOR(), permit)));
        dollar.permit(owner, address(this), 2e6, NOW, v, r, s);
        vm.assertTrue(dollar.transferFrom(owner, address(this), 2e6));
        vm.assertEq(dollar.balanceOf(address(this)), 2e6);
    }
}
