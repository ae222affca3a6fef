"""Every module has a level, and the picture in pyproject.toml is the one in ARCHITECTURE.md."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
LEVELS = next(c["layers"] for c in CONFIG["contracts"] if c["name"] == "Levels")
ROOMS = [room for level in LEVELS for room in level.split(" | ")]


def modules() -> list[str]:
    paths = [p for root in CONFIG["root_packages"] for p in (ROOT / root).rglob("*.py")]
    return [".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for p in paths]


def test_every_module_is_on_a_level() -> None:
    homeless = [m for m in modules() if m != "node" and not any(f"{m}.".startswith(f"{r}.") for r in ROOMS)]
    assert not homeless, f"not on any level: {homeless}"


def test_every_level_has_code() -> None:
    known = modules()
    empty = [room for room in ROOMS if not any(f"{m}.".startswith(f"{room}.") for m in known)]
    assert not empty


def test_the_page_names_every_level() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    assert [room for room in ROOMS if room not in page] == []


def test_services_do_not_import_each_other_sideways() -> None:
    nouns = [p.name for p in (ROOT / "node/services").iterdir() if p.is_dir() and p.name != "__pycache__"]
    for noun in nouns:
        for path in (ROOT / "node/services" / noun).rglob("*.py"):
            text = path.read_text()
            others = [o for o in nouns if o != noun and f"node.services.{o}" in text]
            assert not others, f"{path.relative_to(ROOT)} imports {others}"
