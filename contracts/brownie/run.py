"""Drives the contracts from Python with Brownie, in an environment of its own.

Brownie pins old versions of packages that the node uses in new ones, keeps its data in the home folder, and looks
for a compiler there. So it gets a virtual environment, a home and a project folder under `.brownie/`, all
made here, and nothing of the user's is read or written.
"""

import argparse
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "contracts" / "brownie"
LOCK = HERE / "requirements.lock"
WORK = ROOT / ".brownie"
VENV, HOME, PROJECT = WORK / "venv", WORK / "home", WORK / "project"
SOLC_VERSION = "0.8.37"
NETWORK = "suite"


def install() -> None:
    """Installs the locked packages, unless the same lock was installed before."""
    stamp = VENV / "installed-lock"
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print("brownie: installing its own environment", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    venv.create(VENV, with_pip=True)
    python = VENV / "bin" / "python"
    uv = find_uv()
    installer = (
        [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]
    )
    subprocess.run([*installer, "--quiet", "--require-hashes", "-r", LOCK], check=True)
    stamp.write_text(wanted)


def find_uv() -> str | None:
    """The faster installer, when it is there."""
    ours = ROOT / ".venv" / "bin" / "uv"
    return str(ours) if ours.is_file() else shutil.which("uv")


def find_anvil() -> Path:
    """The folder of the chain's program: of the npm package, or on PATH."""
    for found in sorted(ROOT.glob("node_modules/@foundry-rs/anvil-*/bin/anvil")):
        return found.parent
    on_path = shutil.which("anvil")
    if on_path is None:
        sys.exit("brownie: anvil is missing; run: npm ci --ignore-scripts")
    return Path(on_path).parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def link(place: Path, target: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(target)


def prepare_home(port: int) -> None:
    """Compiler, libraries and network where Brownie looks for them."""
    data = HOME / ".brownie"
    link(HOME / "solcx" / f"solc-v{SOLC_VERSION}", ROOT / "contracts" / "solc" / "solc")
    for library in ("@openzeppelin", "solady", "erc721a"):
        link(data / "packages" / library, ROOT / "node_modules" / library)
    (data / "network-config.yaml").write_text(
        "live: []\n"
        "development:\n"
        f"  - name: {NETWORK}\n"
        f"    id: {NETWORK}\n"
        "    cmd: anvil\n"
        "    host: http://127.0.0.1\n"
        "    timeout: 60\n"
        # Brownie sends without a price of gas, which only a chain without a base fee takes.
        f"    cmd_settings: {{port: {port}, chain_id: 31337, accounts: 10, base_fee: 0}}\n"
    )


def prepare_project() -> None:
    """A project as Brownie wants it, from copies: it keeps what it compiled and compiles only what changed."""
    for folder in ("contracts", "tests"):
        shutil.rmtree(PROJECT / folder, ignore_errors=True)
    for folder in ("src", "interfaces"):
        shutil.copytree(ROOT / "contracts" / folder, PROJECT / "contracts" / folder)
    shutil.copy(HERE / "Libraries.sol", PROJECT / "contracts" / "src" / "Libraries.sol")
    shutil.copytree(HERE / "tests", PROJECT / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "contracts" / "deployment.json", PROJECT / "tests" / "deployment.json")
    shutil.copy(HERE / "brownie-config.yaml", PROJECT / "brownie-config.yaml")
    # Without one pytest would take the settings of the node, which lie in a folder above.
    (PROJECT / "pytest.ini").write_text("[pytest]\n")


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/brownie", description=__doc__.splitlines()[0])
    parser.add_argument("arguments", nargs="*", help="handed on to pytest")
    arguments = parser.parse_args().arguments
    if not (ROOT / "node_modules" / "solc").is_dir():
        sys.exit("brownie: the compiler is missing; run: npm ci --ignore-scripts")
    anvil = find_anvil()
    install()
    prepare_home(free_port())
    prepare_project()
    environment = {
        "HOME": str(HOME),
        "SOLCX_BINARY_PATH": str(HOME / "solcx"),
        "PATH": os.pathsep.join(
            [str(anvil), str(VENV / "bin"), os.environ.get("PATH", os.defpath)]
        ),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
    }
    command = [VENV / "bin" / "brownie", "test", "--network", NETWORK, *arguments]
    return subprocess.run(command, cwd=PROJECT, env=environment, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
