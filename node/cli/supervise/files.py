"""Files that are whole or absent, and folders that belong to a node."""

import json
import os
import secrets
import shutil
from pathlib import Path

from node.cli.supervise.refusal import StartRefused

_PRIVATE = 0o600
_MARKER = ".asoud-data"
_MARKER_TEXT = "This folder holds the data of one ASOUD node. `scripts/up --reset` empties it.\n"


def write_whole(path: Path, content: bytes) -> None:
    """Private to its owner from the first byte on.

    A reader sees the old content or the new, never a part of it.
    """
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE), "wb") as f:
        f.write(content)
        f.flush()
        os.fsync(f.fileno())
    temporary.replace(path)


def write_json(path: Path, content: object) -> None:
    write_whole(path, json.dumps(content, indent=1).encode())


def kept_secret(folder: Path, name: str) -> str:
    """The password called `name`, made on first use."""
    path = folder / name
    if not path.exists():
        write_whole(path, secrets.token_urlsafe(24).encode())
    return path.read_text().strip()


def claim_data_folder(data_dir: Path) -> None:
    """Make the folder, or make sure that it is one of ours: `--reset` deletes what is in it."""
    if data_dir.is_dir() and any(data_dir.iterdir()) and not (data_dir / _MARKER).exists():
        raise StartRefused(f"{data_dir} holds something else: choose an empty folder by ASOUD_DATA_DIR")
    data_dir.mkdir(parents=True, exist_ok=True)
    # As root, Postgres runs as another user and has to pass through; the parts' own folders are closed.
    data_dir.chmod(0o711 if os.geteuid() == 0 else 0o700)
    (data_dir / _MARKER).write_text(_MARKER_TEXT)
    for name in ("logs", "run", "secrets"):
        folder = data_dir / name
        folder.mkdir(exist_ok=True)
        folder.chmod(0o700)


def empty_data_folder(data_dir: Path) -> None:
    """Delete all but the marker and `run`, which holds the lock that the caller has."""
    for entry in data_dir.iterdir():
        if entry.name in {_MARKER, "run"}:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
