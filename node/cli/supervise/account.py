"""Which account a part runs under. Postgres refuses to run as root, so root hands it to another account."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int


def unprivileged(data: Path) -> Account | None:
    """The account to switch to, or None to stay. Existing data keeps the owner that it has."""
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return Account(data.stat().st_uid, data.stat().st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def can_enter(folder: Path, account: Account | None) -> bool:
    """Whether that account can pass every folder above; asked of the system itself."""
    if account is None:
        return True
    done = subprocess.run(
        ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)],
        check=False,
        capture_output=True,
        cwd="/",
        user=account.uid,
        group=account.gid,
        extra_groups=[],
    )
    return done.returncode == 0
