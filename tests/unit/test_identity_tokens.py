"""The node's own token key is made once, however many processes start, and nobody else can read it."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from node.services.identity.tokens import KEY_BYTES_MIN, load_or_make_key


def test_processes_that_start_together_share_one_key(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "token_key"
    with ThreadPoolExecutor(16) as threads:
        keys = set(threads.map(lambda _: load_or_make_key(path), range(64)))
    assert len(keys) == 1
    assert len(keys.pop()) >= KEY_BYTES_MIN
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["token_key"]
