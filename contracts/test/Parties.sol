// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

/// @dev Refuses coin until told otherwise.
contract CoinRefuser {
    bool public open;

    function setOpen(bool open_) external {
        open = open_;
    }

    function call(address target, uint256 value, bytes calldata data) external payable returns (bytes memory) {
        (bool done, bytes memory answer) = target.call{value: value}(data);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(answer, 0x20), mload(answer))
            }
        }
        return answer;
    }

    receive() external payable {
        require(open, "refused");
    }
}

/// @dev Burns all gas that it is given.
contract GasBurner {
    receive() external payable {
        for (;;) {}
    }
}

/// @dev Takes coin if it gets nearly all that is promised, and otherwise gives up at once, so that the payer has gas left to credit it.
contract HungryWallet {
    uint256 public received;

    receive() external payable {
        require(gasleft() > 45_000, "hungry");
        received += msg.value;
    }
}

/// @dev Returns a megabyte of nothing, which costs whoever copies it.
contract ReturnBomb {
    receive() external payable {
        assembly {
            revert(0, 1000000)
        }
    }
}

/// @dev On receiving coin calls back what it was told to, and remembers whether that worked.
contract Reenterer {
    address public target;
    bytes public data;
    uint256 public tries;
    uint256 public hits;

    function arm(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    function call(address to, uint256 value, bytes calldata payload) external payable returns (bytes memory) {
        (bool done, bytes memory answer) = to.call{value: value}(payload);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(answer, 0x20), mload(answer))
            }
        }
        return answer;
    }

    receive() external payable {
        if (target == address(0)) return;
        ++tries;
        (bool done,) = target.call(data);
        if (done) ++hits;
    }
}

/// @dev ERC-1271 with a key behind it; `mode` chooses how it answers.
contract Wallet1271 {
    enum Mode {
        HONEST,
        WRONG,
        REVERTS,
        SHORT
    }

    address public immutable key;
    Mode public mode;

    constructor(address key_) {
        key = key_;
    }

    function setMode(Mode mode_) external {
        mode = mode_;
    }

    function call(address target, uint256 value, bytes calldata data) external payable returns (bytes memory) {
        (bool done, bytes memory answer) = target.call{value: value}(data);
        require(done, "call failed");
        return answer;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        if (mode == Mode.REVERTS) revert("no");
        if (mode == Mode.WRONG) return 0xffffffff;
        if (mode == Mode.SHORT) {
            assembly {
                mstore(0, shl(224, 0x1626ba7e))
                return(0, 4)
            }
        }
        (bytes32 r, bytes32 s, uint8 v) = abi.decode(signature, (bytes32, bytes32, uint8));
        return ecrecover(digest, v, r, s) == key ? bytes4(0x1626ba7e) : bytes4(0);
    }

    receive() external payable {}
}

/// @dev An ERC-20 with a choice of bad habits.
contract OddToken is ERC20 {
    enum Habit {
        NONE,
        TAKES_FEE,
        RETURNS_FALSE,
        RETURNS_NOTHING,
        LIES,
        GIVES_MORE
    }

    Habit public habit;
    mapping(address account => bool barred) public barred;

    constructor() ERC20("Odd", "ODD") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function setHabit(Habit habit_) external {
        habit = habit_;
    }

    function bar(address account, bool barred_) external {
        barred[account] = barred_;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        if (_skips(msg.sender, to)) return habit == Habit.LIES;
        return _finish(super.transfer(to, amount), to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        if (_skips(from, to)) return habit == Habit.LIES;
        return _finish(super.transferFrom(from, to, amount), to, amount);
    }

    function _skips(address from, address to) private view returns (bool) {
        require(!barred[from] && !barred[to], "barred");
        return habit == Habit.RETURNS_FALSE || habit == Habit.LIES;
    }

    function _finish(bool done, address to, uint256 amount) private returns (bool) {
        if (habit == Habit.TAKES_FEE) _burn(to, amount / 10);
        if (habit == Habit.GIVES_MORE) _mint(to, amount / 10);
        if (habit == Habit.RETURNS_NOTHING) {
            assembly {
                return(0, 0)
            }
        }
        return done;
    }
}

/// @dev An ERC-20 that calls back whenever it moves.
contract HookToken is ERC20 {
    address public target;
    bytes public data;
    uint256 public hits;
    uint256 public tries;

    constructor() ERC20("Hook", "HOOK") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function arm(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    function call(address to, bytes calldata payload) external {
        (bool done,) = to.call(payload);
        require(done, "call failed");
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (target == address(0)) return;
        ++tries;
        (bool done,) = target.call(data);
        if (done) ++hits;
    }
}

/// @dev An ERC-721 of which every answer about royalties can be chosen.
contract OddCollection is ERC721 {
    enum Answer {
        NONE,
        PAIR,
        REVERTS,
        BURNS_GAS,
        BOMB,
        SHORT,
        NO_ADDRESS
    }

    Answer public answer;
    address public receiver;
    uint256 public amount;
    bool public keepsToken;
    address public target;
    bytes public data;

    constructor() ERC721("Odd", "ODD") {}

    function mint(address to, uint256 id) external {
        _mint(to, id);
    }

    function setAnswer(Answer answer_, address receiver_, uint256 amount_) external {
        (answer, receiver, amount) = (answer_, receiver_, amount_);
    }

    function setKeepsToken(bool keeps) external {
        keepsToken = keeps;
    }

    function arm(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    function transferFrom(address from, address to, uint256 id) public override {
        if (target != address(0)) {
            (bool done, bytes memory result) = target.call(data);
            if (!done) {
                assembly ("memory-safe") {
                    revert(add(result, 0x20), mload(result))
                }
            }
        }
        if (!keepsToken) super.transferFrom(from, to, id);
    }

    function royaltyInfo(uint256, uint256) external view returns (address, uint256) {
        if (answer == Answer.REVERTS || answer == Answer.NONE) revert("none");
        if (answer == Answer.BURNS_GAS) for (;;) {}
        if (answer == Answer.BOMB) {
            assembly {
                return(0, 1000000)
            }
        }
        if (answer == Answer.SHORT) {
            assembly {
                mstore(0, caller())
                return(0, 32)
            }
        }
        if (answer == Answer.NO_ADDRESS) {
            assembly {
                mstore(0, not(0))
                mstore(32, 1000)
                return(0, 64)
            }
        }
        return (receiver, amount);
    }
}

/// @dev An ERC-1155 with a royalty, that on demand keeps what it should hand over, or calls back.
contract OddEditions is ERC1155 {
    address public receiver;
    uint256 public bps;
    bool public keeps;
    address public target;
    bytes public data;

    constructor() ERC1155("") {}

    function mint(address to, uint256 id, uint256 units) external {
        _mint(to, id, units, "");
    }

    function setRoyalty(address receiver_, uint256 bps_) external {
        (receiver, bps) = (receiver_, bps_);
    }

    function setKeeps(bool keeps_) external {
        keeps = keeps_;
    }

    function arm(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    function royaltyInfo(uint256, uint256 price) external view returns (address, uint256) {
        return (receiver, price * bps / 10_000);
    }

    function safeTransferFrom(address from, address to, uint256 id, uint256 units, bytes memory note) public override {
        if (target != address(0)) {
            (bool done, bytes memory result) = target.call(data);
            if (!done) {
                assembly ("memory-safe") {
                    revert(add(result, 0x20), mload(result))
                }
            }
        }
        if (!keeps) super.safeTransferFrom(from, to, id, units, note);
    }
}

/// @dev An ERC-721 whose transfers can be made to fail or to burn all gas.
contract MoodyCollection is ERC721 {
    enum Mood {
        WILLING,
        REFUSES,
        BURNS_GAS
    }

    Mood public mood;

    constructor() ERC721("Moody", "MOOD") {}

    function mint(address to, uint256 id) external {
        _mint(to, id);
    }

    function setMood(Mood mood_) external {
        mood = mood_;
    }

    function transferFrom(address from, address to, uint256 id) public override {
        require(mood != Mood.REFUSES, "no");
        if (mood == Mood.BURNS_GAS) for (;;) {}
        super.transferFrom(from, to, id);
    }
}
