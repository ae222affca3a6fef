// Compiles the contracts and keeps `contracts/artifacts/` equal to what the sources say. `--check` writes nothing and fails on any difference.
// `--verification FOLDER [NAME ...]` writes the compiler's input for each deployed contract, with its sources alone, as block explorers take it.
// The result depends on the sources, the libraries and the compiler alone: no paths of this machine, no metadata hash, no times.
"use strict";
const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");

const ROOT = path.resolve(__dirname, "..");
const ARTIFACTS = path.join(__dirname, "artifacts");
const OPENZEPPELIN = "node_modules/@openzeppelin/contracts";

// What is deployed (with code), and what is needed only to call and decode the contracts of others (ABI alone).
const DEPLOYED = {
  AccessManager: `${OPENZEPPELIN}/access/manager/AccessManager.sol`,
  AsoudGovernor: "contracts/src/AsoudGovernor.sol",
  AuctionHouse: "contracts/src/AuctionHouse.sol",
  BadgeCollection: "contracts/src/BadgeCollection.sol",
  BatchCollection: "contracts/src/BatchCollection.sol",
  Checkout: "contracts/src/Checkout.sol",
  Collection: "contracts/src/Collection.sol",
  CollectionFactory: "contracts/src/CollectionFactory.sol",
  Deposits: "contracts/src/Deposits.sol",
  DevDollar: "contracts/src/DevDollar.sol",
  Editions: "contracts/src/Editions.sol",
  Escrow: "contracts/src/Escrow.sol",
  Exchange: "contracts/src/Exchange.sol",
  Forwarder: "contracts/src/Deposits.sol",
  RoyaltySplitter: "contracts/src/RoyaltySplitter.sol",
  SplitterFactory: "contracts/src/RoyaltySplitter.sol",
  Rewards: "contracts/src/Rewards.sol",
  TimelockController: `${OPENZEPPELIN}/governance/TimelockController.sol`,
  VotesToken: "contracts/src/VotesToken.sol",
  WalletProbe: "contracts/src/WalletProbe.sol",
};
const SPOKEN_TO = {
  IERC1271: `${OPENZEPPELIN}/interfaces/IERC1271.sol`,
  IERC20Metadata: `${OPENZEPPELIN}/token/ERC20/extensions/IERC20Metadata.sol`,
  IERC20Permit: `${OPENZEPPELIN}/token/ERC20/extensions/IERC20Permit.sol`,
  IERC2981: `${OPENZEPPELIN}/interfaces/IERC2981.sol`,
  IERC721Metadata: `${OPENZEPPELIN}/token/ERC721/extensions/IERC721Metadata.sol`,
};

// The same as in foundry.toml, so that the code that is tested is the code that is deployed.
const SETTINGS = {
  remappings: ["@openzeppelin/=node_modules/@openzeppelin/", "solady/=node_modules/solady/", "erc721a/=node_modules/erc721a/"],
  optimizer: { enabled: true, runs: 200 },
  metadata: { bytecodeHash: "none", appendCBOR: false },
  evmVersion: "cancun",
  viaIR: false,
};
// EIP-170: longer code cannot be deployed.
const CODE_BYTES_MAX = 24576;

function readSource(name) {
  return fs.readFileSync(path.join(ROOT, name), "utf8");
}

function compile(entries) {
  const solc = require(path.join(ROOT, "node_modules", "solc"));
  const sources = Object.fromEntries(entries.map((name) => [name, { content: readSource(name) }]));
  const outputs = ["abi", "metadata", "evm.bytecode.object", "evm.deployedBytecode.object", "evm.deployedBytecode.immutableReferences"];
  const settings = { ...SETTINGS, outputSelection: { "*": { "*": outputs } } };
  const found = (name) => ({ contents: readSource(name) });
  const output = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings }), { import: found }));
  const errors = (output.errors ?? []).filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join("\n"));
  return { contracts: output.contracts, version: solc.version().replace(".Emscripten.clang", "") };
}

// One hash over every source that the contract is made of, by name.
function hashSources(names) {
  const hash = crypto.createHash("sha256");
  for (const name of [...names].sort()) hash.update(`${name}\0${readSource(name)}\0`);
  return `sha256:${hash.digest("hex")}`;
}

function places(references) {
  return Object.values(references ?? {}).flat().sort((one, other) => one.start - other.start);
}

function artifact(name, source, contract, version, deployed) {
  const code = contract.evm.deployedBytecode;
  if (code.object.length / 2 > CODE_BYTES_MAX) throw new Error(`${name} is larger than EIP-170 allows`);
  return {
    contractName: name,
    source,
    abi: contract.abi,
    ...(deployed && {
      bytecode: `0x${contract.evm.bytecode.object}`,
      deployedBytecode: `0x${code.object}`,
      immutableReferences: places(code.immutableReferences),
    }),
    sourceHash: hashSources(Object.keys(JSON.parse(contract.metadata).sources)),
    compiler: { version, ...SETTINGS },
  };
}

function buildAll() {
  const wanted = { ...DEPLOYED, ...SPOKEN_TO };
  const { contracts, version } = compile(Object.values(wanted));
  const texts = {};
  for (const [name, source] of Object.entries(wanted)) {
    const built = artifact(name, source, contracts[source][name], version, name in DEPLOYED);
    texts[`${name}.json`] = `${JSON.stringify(built, null, 1)}\n`;
  }
  return texts;
}

function readAll() {
  if (!fs.existsSync(ARTIFACTS)) return {};
  return Object.fromEntries(fs.readdirSync(ARTIFACTS).map((file) => [file, fs.readFileSync(path.join(ARTIFACTS, file), "utf8")]));
}

// What anybody needs to build the same code: `<Name>.json` for `<source>:<Name>`, to be read by the compiler of the artifact.
function writeVerification(folder, only) {
  const wanted = Object.entries(DEPLOYED).filter(([name]) => only.length === 0 || only.includes(name));
  const { contracts } = compile(wanted.map(([, source]) => source));
  fs.mkdirSync(folder, { recursive: true });
  for (const [name, source] of wanted) {
    const names = Object.keys(JSON.parse(contracts[source][name].metadata).sources).sort();
    const sources = Object.fromEntries(names.map((part) => [part, { content: readSource(part) }]));
    const outputSelection = { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } };
    const input = { language: "Solidity", sources, settings: { ...SETTINGS, outputSelection } };
    fs.writeFileSync(path.join(folder, `${name}.json`), `${JSON.stringify(input, null, 1)}\n`);
  }
  process.stdout.write(`contracts: ${wanted.length} inputs for verification in ${folder}\n`);
}

function main() {
  const asked = process.argv.indexOf("--verification");
  if (asked !== -1) {
    if (!process.argv[asked + 1]) throw new Error("--verification needs a folder");
    return writeVerification(path.resolve(process.argv[asked + 1]), process.argv.slice(asked + 2));
  }
  const check = process.argv.includes("--check");
  const built = buildAll();
  const present = readAll();
  const stale = [...new Set([...Object.keys(built), ...Object.keys(present)])].filter((file) => built[file] !== present[file]).sort();
  if (check && stale.length > 0) {
    process.stderr.write(`contracts: artifacts differ from the sources: ${stale.join(", ")}\nrun scripts/build-contracts and commit the result\n`);
    process.exit(1);
  }
  if (!check) {
    fs.mkdirSync(ARTIFACTS, { recursive: true });
    for (const file of stale) {
      if (file in built) fs.writeFileSync(path.join(ARTIFACTS, file), built[file]);
      else fs.unlinkSync(path.join(ARTIFACTS, file));
    }
  }
  process.stdout.write(`contracts: ${Object.keys(built).length} artifacts ${check ? "match the sources" : `built, ${stale.length} changed`}\n`);
}

main();
