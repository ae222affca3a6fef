// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IStudio} from "../interfaces/IStudio.sol";
import {BadgeCollection} from "../src/BadgeCollection.sol";
import {BatchCollection} from "../src/BatchCollection.sol";
import {Collection} from "../src/Collection.sol";
import {CollectionFactory} from "../src/CollectionFactory.sol";
import {DevDollar} from "../src/DevDollar.sol";
import {Editions} from "../src/Editions.sol";
import {Studio} from "../src/Studio.sol";
import {Ledger} from "./Ledger.sol";
import {CoinRefuser, Reenterer} from "./Parties.sol";
import {Test} from "./Test.sol";

/// @dev A merchant, its staff, a fan and a thief use one collection of each kind; every call is foretold by a plain model.
contract StudioPlay is Ledger {
    uint256 private constant SINGLE = 0;
    uint256 private constant BADGES = 1;
    uint256 private constant BATCHES = 2;
    uint256 private constant EDITIONS = 3;
    uint256 private constant CAP = 10;

    CoinRefuser public immutable refuser;
    DevDollar internal immutable dollar;

    /// @dev By kind, as the houses are.
    uint256[4] internal minted;
    bool[4] internal frozen;
    mapping(uint256 kind => mapping(uint256 id => address owner)) internal owners;
    mapping(uint256 kind => mapping(uint256 id => string uri)) internal uris;
    mapping(uint256 kind => mapping(address signer => mapping(uint256 nonce => bool used))) internal used;
    mapping(uint256 id => uint256 units) internal unitsMinted;
    mapping(uint256 id => uint256 units) internal unitsMost;
    mapping(uint256 id => mapping(address account => uint256 units)) internal unitsOf;

    /// @dev Merchant, minter, editor, fan, thief.
    address[] internal people;
    uint256[] internal keys;
    address[] internal payees;

    constructor() {
        (refuser, dollar) = (new CoinRefuser(), new DevDollar());
        Reenterer greedy = new Reenterer();
        assets = [NATIVE, address(dollar)];
        string[5] memory names = ["merchant", "minter", "editor", "fan", "thief"];
        for (uint256 i; i < 5; ++i) {
            (address person, uint256 key) = actor(names[i]);
            people.push(person);
            keys.push(key);
        }
        make(address(new Collection()));
        make(address(new BadgeCollection()));
        make(address(new BatchCollection()));
        make(address(new Editions()));
        greedy.arm(houses[SINGLE], abi.encodeCall(IStudio.voidVoucher, (1)));
        (address artist,) = actor("artist");
        payees = [artist, address(refuser), address(greedy)];
        for (uint256 i = 3; i < 5; ++i) {
            vm.deal(people[i], 1e6 ether);
            dollar.mint(people[i], 1e24);
            for (uint256 k; k < 4; ++k) {
                vm.prank(people[i]);
                dollar.approve(houses[k], type(uint256).max);
            }
        }
        for (uint256 i; i < 8; ++i) {
            open(i < 5 ? people[i] : payees[i - 5]);
        }
        uris[BATCHES][0] = "ipfs://first/";
        vm.prank(people[0]);
        BatchCollection(houses[BATCHES]).setBaseURI(uris[BATCHES][0]);
    }

    function make(address implementation) private {
        CollectionFactory factory = new CollectionFactory(newManager(), implementation);
        vm.startPrank(people[0]);
        Studio studio = Studio(factory.create(IStudio.CollectionTerms("Pictures", "PIC", "ipfs://all", people[0], 500, CAP), 0));
        studio.grantRoles(people[1], studio.MINTER_ROLE());
        studio.grantRoles(people[2], studio.EDITOR_ROLE());
        vm.stopPrank();
        houses.push(address(studio));
    }

    function createEdition(uint256 by, uint256 most, uint256 seed) external {
        most = bound(most, 1, 5);
        bytes memory data = abi.encodeCall(Editions.createEdition, (uriOf(seed), most));
        bool done = attempt(people[by % 5], houses[EDITIONS], 0, data);
        vm.assertTrue(done == (by % 5 < 2 && minted[EDITIONS] < CAP), "createEdition");
        if (!done) return;
        uint256 id = ++minted[EDITIONS];
        (unitsMost[id], uris[EDITIONS][id]) = (most, uriOf(seed));
    }

    function mint(uint256 kind, uint256 by, uint256 to, uint256 quantity, uint256 seed) external {
        (kind, by, to, quantity) = (kind % 4, by % 5, to % 5, quantity % 8);
        bytes memory data;
        if (kind < BATCHES) data = abi.encodeCall(Collection.mint, (people[to], uriOf(seed)));
        else if (kind == BATCHES) data = abi.encodeCall(BatchCollection.mintBatch, (people[to], quantity));
        else data = abi.encodeCall(Editions.mint, (people[to], seed % 3, quantity));
        if (kind < BATCHES) quantity = 1;
        bool done = attempt(people[by], houses[kind], 0, data);
        vm.assertTrue(done == (by < 2 && fits(kind, seed % 3, quantity)), "mint");
        if (done) born(kind, people[to], seed % 3, quantity, uriOf(seed));
    }

    /// @dev Vouchers of signers with and without the right, under a true or a forged signature, bound or open, used before or not.
    function redeem(uint256 kind, uint256 by, uint256 seed, uint256 price) external {
        (kind, by) = (kind % 4, 3 + by % 2);
        IStudio.Voucher memory v = voucherOf(kind, seed, price);
        bool forged = (seed >> 64) % 8 == 0;
        bytes memory data = redemption(kind, v, seed, forged ? keys[4] : keys[signerOf(seed)]);
        bool due = !forged && signerOf(seed) < 2 && !used[kind][v.signer][v.nonce] && fits(kind, v.tokenId, v.quantity);
        if (v.redeemer != address(0) && v.redeemer != people[by]) due = false;
        vm.assertTrue(attempt(people[by], houses[kind], v.currency == NATIVE ? v.price : 0, data) == due, "redeem");
        if (!due) return;
        used[kind][v.signer][v.nonce] = true;
        moved(v.currency, people[by], v.payee, v.price);
        born(kind, people[by], v.tokenId, v.quantity, uriOf(seed));
    }

    function redemption(uint256 kind, IStudio.Voucher memory v, uint256 seed, uint256 key) private view returns (bytes memory) {
        (uint8 y, bytes32 r, bytes32 s) = vm.sign(key, Studio(houses[kind]).hashVoucher(v));
        bytes memory signature = abi.encodePacked(r, s, y);
        if (kind < BATCHES) return abi.encodeCall(Collection.redeem, (v, uriOf(seed), signature));
        if (kind == BATCHES) return abi.encodeCall(BatchCollection.redeem, (v, signature));
        return abi.encodeCall(Editions.redeem, (v, signature));
    }

    function voidVoucher(uint256 kind, uint256 by, uint256 nonce) external {
        (kind, by, nonce) = (kind % 4, by % 5, nonce % 3);
        bool done = attempt(people[by], houses[kind], 0, abi.encodeCall(IStudio.voidVoucher, (nonce)));
        vm.assertTrue(done == !used[kind][people[by]][nonce], "void");
        used[kind][people[by]][nonce] = true;
    }

    function setURI(uint256 kind, uint256 by, uint256 id, uint256 seed) external {
        (kind, by, id) = (kind % 4, by % 5, kind % 4 == BATCHES ? 0 : id % 6);
        bytes memory data;
        if (kind < BATCHES) data = abi.encodeCall(Collection.setTokenURI, (id, uriOf(seed)));
        else if (kind == BATCHES) data = abi.encodeCall(BatchCollection.setBaseURI, (uriOf(seed)));
        else data = abi.encodeCall(Editions.setURI, (id, uriOf(seed)));
        bool there = kind == BATCHES || (kind == EDITIONS ? unitsMost[id] != 0 : owners[kind][id] != address(0));
        bool done = attempt(people[by], houses[kind], 0, data);
        vm.assertTrue(done == (there && !frozen[kind] && (by == 0 || by == 2)), "setURI");
        if (done) uris[kind][id] = uriOf(seed);
    }

    function freeze(uint256 kind, uint256 by) external {
        (kind, by) = (kind % 4, by % 8);
        bool done = attempt(people[by % 5], houses[kind], 0, abi.encodeCall(IStudio.freezeMetadata, ()));
        vm.assertTrue(done == (by % 5 == 0 && !frozen[kind]), "freeze");
        if (done) frozen[kind] = true;
    }

    function setRoyalty(uint256 kind, uint256 by, uint256 id, uint16 bps, bool whole) external {
        (kind, by, bps) = (kind % 4, by % 5, uint16(bound(bps, 1, 1100)));
        bytes memory data = whole ? abi.encodeCall(IStudio.setRoyalty, (payees[0], bps)) : abi.encodeCall(IStudio.setTokenRoyalty, (id % 6, payees[1], bps));
        vm.assertTrue(attempt(people[by], houses[kind], 0, data) == ((by == 0 || by == 2) && bps <= 1000), "setRoyalty");
    }

    function transfer(uint256 kind, uint256 by, uint256 to, uint256 id, uint256 units) external {
        (kind, by, to, id) = (kind % 4, by % 5, to % 5, id % (CAP + 1));
        if (kind == EDITIONS) return transferUnits(people[by], people[to], id, units % 5);
        address from = owners[kind][id];
        bool done = attempt(people[by], houses[kind], 0, abi.encodeCall(IERC721.transferFrom, (from, people[to], id)));
        vm.assertTrue(done == (kind != BADGES && from == people[by]), "transfer");
        if (done) owners[kind][id] = people[to];
    }

    function transferUnits(address from, address to, uint256 id, uint256 units) private {
        bool done = attempt(from, houses[EDITIONS], 0, abi.encodeCall(IERC1155.safeTransferFrom, (from, to, id, units, "")));
        vm.assertTrue(done == (unitsOf[id][from] >= units), "transfer units");
        if (!done) return;
        unitsOf[id][from] -= units;
        unitsOf[id][to] += units;
    }

    function burn(uint256 kind, uint256 by, uint256 id) external {
        (kind, by, id) = (kind % 4, by % 5, id % (CAP + 1));
        bytes memory data = kind == EDITIONS ? abi.encodeCall(Editions.burn, (people[3], id, 1)) : abi.encodeCall(Collection.burn, (id));
        bool due = kind == EDITIONS ? by == 3 && unitsOf[id][people[3]] != 0 : owners[kind][id] == people[by];
        vm.assertTrue(attempt(people[by], houses[kind], 0, data) == due, "burn");
        if (!due) return;
        if (kind == EDITIONS) --unitsOf[id][people[3]];
        else owners[kind][id] = address(0);
    }

    function withdraw(uint256 kind, uint256 seed, uint256 by) external {
        if (seed % 4 == 3) refuser.setOpen(!refuser.open());
        address account = payees[seed % 3];
        pull(Studio(houses[kind % 4]), assets[(seed >> 8) % 2], account, payees[(seed >> 16) % 3], by % 2 == 0 ? account : people[4]);
    }

    /// @dev Counts, owners, units, royalties and metadata are those of the model; the cap holds, what is frozen is what it was.
    function same() external view {
        vm.assertEq(Collection(houses[SINGLE]).totalMinted(), minted[SINGLE], "singles");
        vm.assertEq(Collection(houses[BADGES]).totalMinted(), minted[BADGES], "badges");
        vm.assertEq(BatchCollection(houses[BATCHES]).totalMinted(), minted[BATCHES], "batches");
        vm.assertEq(Editions(houses[EDITIONS]).editionCount(), minted[EDITIONS], "editions");
        for (uint256 kind; kind < 4; ++kind) {
            vm.assertLe(minted[kind], CAP, "cap");
            vm.assertTrue(Studio(houses[kind]).metadataFrozen() == frozen[kind], "frozen");
            for (uint256 id; id <= CAP; ++id) {
                (, uint256 royalty) = id < 6 ? Studio(houses[kind]).royaltyInfo(id, 10_000) : (address(0), 0);
                vm.assertLe(royalty, 1000, "royalty");
                if (kind == EDITIONS) sameUnits(id);
                else if (owners[kind][id] != address(0)) sameToken(kind, id);
            }
        }
    }

    function sameToken(uint256 kind, uint256 id) private view {
        vm.assertEq(Collection(houses[kind]).ownerOf(id), owners[kind][id]);
        if (kind < BATCHES) vm.assertEq(Collection(houses[kind]).tokenURI(id), uris[kind][id]);
        else if (id == 0) vm.assertEq(BatchCollection(houses[kind]).tokenURI(0), string.concat(uris[kind][0], "0"));
    }

    function sameUnits(uint256 id) private view {
        Editions editions = Editions(houses[EDITIONS]);
        (uint256 made, uint256 most) = editions.editionOf(id);
        vm.assertEq(made, unitsMinted[id], "units");
        vm.assertEq(most, unitsMost[id], "most");
        vm.assertLe(made, most, "units cap");
        if (most != 0) vm.assertEq(editions.uri(id), uris[EDITIONS][id]);
        for (uint256 i; i < 5; ++i) {
            vm.assertEq(editions.balanceOf(people[i], id), unitsOf[id][people[i]], "balance");
        }
    }

    function voucherOf(uint256 kind, uint256 seed, uint256 price) private view returns (IStudio.Voucher memory v) {
        (v.signer, v.payee, v.currency) = (people[signerOf(seed)], payees[(seed >> 16) % 3], assets[(seed >> 24) % 2]);
        (v.price, v.nonce, v.deadline) = (bound(price, 0, 1 ether), (seed >> 32) % 3, uint64(block.timestamp));
        if ((seed >> 40) % 4 == 0) v.redeemer = people[3];
        v.quantity = kind < BATCHES ? 1 : (seed >> 48) % 5;
        if (kind < BATCHES) v.content = keccak256(bytes(uriOf(seed)));
        if (kind == EDITIONS) v.tokenId = (seed >> 56) % 3;
    }

    /// @dev Mostly the merchant or its minter; few nonces, so that they meet again.
    function signerOf(uint256 seed) private pure returns (uint256 person) {
        person = (seed >> 8) % 8;
        return person < 6 ? person % 2 : person - 3;
    }

    /// @dev Short ones, long ones, and those of which only a digest is kept.
    function uriOf(uint256 seed) private pure returns (string memory) {
        string[4] memory all = [
            "ipfs://a",
            "ipfs://b",
            "https://example.com/a/path/that/is/longer/than/a/word",
            "ipfs://bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
        ];
        return all[seed % 4];
    }

    function fits(uint256 kind, uint256 id, uint256 quantity) private view returns (bool) {
        if (quantity == 0) return false;
        if (kind == EDITIONS) return unitsMinted[id] + quantity <= unitsMost[id];
        return minted[kind] + quantity <= CAP;
    }

    function born(uint256 kind, address to, uint256 id, uint256 quantity, string memory uri) private {
        if (kind == EDITIONS) {
            unitsMinted[id] += quantity;
            unitsOf[id][to] += quantity;
            return;
        }
        for (uint256 i; i < quantity; ++i) {
            uint256 next = kind == BATCHES ? minted[kind] : minted[kind] + 1;
            ++minted[kind];
            owners[kind][next] = to;
            if (kind < BATCHES) uris[kind][next] = uri;
        }
    }
}

contract StudioInvariantTest is Test {
    StudioPlay internal play;

    function setUp() public {
        vm.warp(NOW);
        vm.chainId(31337);
        play = new StudioPlay();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(play);
    }

    function invariant_collections_are_as_the_model_says() external view {
        play.check();
        play.same();
    }
}
