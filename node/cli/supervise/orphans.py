"""Processes that a supervisor left behind when it was killed, found and stopped before anything new starts.

On Linux every child carries the data folder in its environment, and so do its own children: `/proc` tells.
Elsewhere the files in `run/*.pid` tell, together with the moment the process started, because ids are used
again.
"""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from node.cli.supervise.files import write_json
from node.cli.supervise.refusal import StartRefused

MARKER = "ASOUD_SUPERVISED_IN"

_GRACE_S = 15.0
_KILL_LIMIT_S = 5.0
_POLL_S = 0.05


def stop_orphans(data_dir: Path, run_dir: Path) -> list[int]:
    """Ask them to stop, wait, then kill.

    Postgres stops cleanly on the signal used here. Returns their ids.
    """
    asked: set[int] = set()
    began = time.monotonic()
    while left := set(find_orphans(data_dir, run_dir)):
        waited_s = time.monotonic() - began
        if waited_s > _GRACE_S + _KILL_LIMIT_S:
            raise StartRefused(f"processes {sorted(left)} of a former node cannot be stopped")
        _signal_all(left - asked, signal.SIGINT)  # one may have started another meanwhile
        if waited_s > _GRACE_S:
            _signal_all(left, signal.SIGKILL)
        asked |= left
        time.sleep(_POLL_S)
    for pid_file in run_dir.glob("*.pid"):
        pid_file.unlink(missing_ok=True)
    return sorted(asked)


def find_orphans(data_dir: Path, run_dir: Path) -> list[int]:
    return _marked(data_dir) if Path("/proc/self/environ").exists() else _recorded(run_dir)


def record(run_dir: Path, name: str, pid: int) -> None:
    write_json(run_dir / f"{name}.pid", {"pid": pid, "started": _started(pid)})


def forget(run_dir: Path, name: str) -> None:
    (run_dir / f"{name}.pid").unlink(missing_ok=True)


def _marked(data_dir: Path) -> list[int]:
    mark = f"{MARKER}={data_dir}".encode()
    pids = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # gone, or not ours to see
        if mark in variables:
            pids.append(int(entry.name))
    return sorted(pids)


def _recorded(run_dir: Path) -> list[int]:
    pids = []
    for path in run_dir.glob("*.pid"):
        try:
            kept = json.loads(path.read_text())
        except ValueError:
            continue
        if kept["started"] and _started(kept["pid"]) == kept["started"]:
            pids.append(int(kept["pid"]))
    return sorted(pids)


def _started(pid: int) -> str:
    """When the process started, in the system's words; empty when there is no such process."""
    try:
        done = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)],  # noqa: S607 - its place differs between systems
            capture_output=True,
            text=True,
            check=False,
            env={"LC_ALL": "C", "PATH": os.environ.get("PATH", "/usr/bin:/bin")},
        )
    except FileNotFoundError:
        return ""  # small Linux images have no `ps`, and need none
    return done.stdout.strip()


def _signal_all(pids: set[int], signum: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            continue
