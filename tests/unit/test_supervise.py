"""Decisions of the supervisor that need no other process."""

import json
import socket
from pathlib import Path

import pytest

from node.cli.supervise import logs
from node.cli.supervise.backoff import Backoff
from node.cli.supervise.chainstate import StateFiles
from node.cli.supervise.files import claim_data_folder, empty_data_folder, kept_secret, write_whole
from node.cli.supervise.lock import folder_lock, holder
from node.cli.supervise.ports import require_free
from node.cli.supervise.refusal import StartRefused
from node.cli.supervise.table import without_password

STATE = json.dumps({"accounts": {}, "block": 1}).encode()


def test_backoff_doubles_up_to_a_bound() -> None:
    backoff = Backoff(first_s=1, longest_s=5, healthy_after_s=60)
    assert [backoff.after_life_of(0) for _ in range(5)] == [1, 2, 4, 5, 5]


def test_backoff_begins_anew_after_a_healthy_life() -> None:
    backoff = Backoff(first_s=1, longest_s=5, healthy_after_s=60)
    for _ in range(4):
        backoff.after_life_of(59)
    assert backoff.after_life_of(60) == 1
    assert backoff.after_life_of(0) == 2


def test_backoff_stays_bounded_for_a_part_that_never_comes_up() -> None:
    backoff = Backoff()
    assert {backoff.after_life_of(0) for _ in range(5000)} >= {30.0}


def test_a_port_in_use_is_named_with_the_option_and_the_setting() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StartRefused) as refused:
            require_free(port, what="the API", option="--api-port")
    assert refused.value.message == (
        f"port {port} of the API is in use: choose another one with --api-port or ASOUD_API_PORT"
    )
    require_free(port, what="the API", option="--api-port")


def test_the_folder_has_one_holder(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    lock = tmp_path / "run/up.lock"
    assert holder(lock) is None
    with folder_lock(lock):
        assert holder(lock) is not None
        with pytest.raises(StartRefused, match="already runs"), folder_lock(lock):
            pass
    assert holder(lock) is None


def test_a_folder_of_somebody_else_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(StartRefused, match="holds something else"):
        claim_data_folder(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_emptying_keeps_the_lock_and_nothing_else(tmp_path: Path) -> None:
    claim_data_folder(tmp_path)
    (tmp_path / "postgres/data").mkdir(parents=True)
    (tmp_path / "run/up.lock").touch()
    empty_data_folder(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".asoud-data", "run"]
    claim_data_folder(tmp_path)


def test_a_secret_is_made_once_and_is_private(tmp_path: Path) -> None:
    first = kept_secret(tmp_path, "asoud_app")
    assert kept_secret(tmp_path, "asoud_app") == first
    assert kept_secret(tmp_path, "asoud_owner") != first
    assert (tmp_path / "asoud_app").stat().st_mode & 0o777 == 0o600


def test_the_newest_state_of_the_chain_is_chosen(tmp_path: Path) -> None:
    files = StateFiles(tmp_path, print)
    assert files.choose() is None
    files.write(STATE, head=7)
    files.write(STATE, head=7)
    assert files.choose() == files.current
    assert files.previous.exists()


@pytest.mark.parametrize("torn", [b"", STATE[:-5], b"[]", b"\xff\xfe"])
def test_a_torn_state_gives_way_to_the_previous_one(tmp_path: Path, torn: bytes) -> None:
    said: list[str] = []
    files = StateFiles(tmp_path, said.append)
    files.write(STATE, head=7)
    files.write(STATE, head=7)
    files.current.write_bytes(torn)
    assert files.choose() == files.previous
    assert "broken" in said[0]
    # the next save must not put the torn file in the place of the good one
    files.write(STATE, head=7)
    assert files.previous.read_bytes() == STATE


def test_a_save_interrupted_between_its_two_renames_loses_nothing(tmp_path: Path) -> None:
    files = StateFiles(tmp_path, print)
    files.write(STATE, head=7)
    files.current.rename(files.previous)
    assert files.choose() == files.previous


def test_a_chain_without_a_readable_state_does_not_start_from_zero(tmp_path: Path) -> None:
    files = StateFiles(tmp_path, print)
    write_whole(files.current, b"{")
    with pytest.raises(StartRefused, match="--reset"):
        files.choose()


def test_a_log_that_is_too_large_moves_on(tmp_path: Path) -> None:
    path = tmp_path / "api.log"
    for content in ("first\n", "second\n", "third\n"):
        with path.open("a") as log:
            log.write(content)
        assert logs.rotate(path, bytes_max=3)
    assert path.read_text() == ""
    assert (tmp_path / "api.log.1").read_text() == "third\n"
    assert (tmp_path / "api.log.2").read_text() == "second\n"
    assert not (tmp_path / "api.log.3").exists()


def test_a_writer_goes_on_in_a_log_that_was_rotated(tmp_path: Path) -> None:
    path = tmp_path / "api.log"
    with path.open("ab", buffering=0) as writer:
        writer.write(b"before\n")
        logs.rotate(path, bytes_max=0)
        writer.write(b"after\n")
    assert path.read_bytes() == b"after\n"
    assert logs.last_lines(path, 5) == ["after"]


def test_following_shows_whole_lines_and_survives_rotation(tmp_path: Path) -> None:
    path = tmp_path / "api.log"
    offsets = {path: 0}
    path.write_text("one\nhalf")
    assert logs.new_lines(path, offsets) == ["one"]
    path.write_text("one\nhalf and half\n")
    assert logs.new_lines(path, offsets) == ["half and half"]
    path.write_text("x\n")
    assert logs.new_lines(path, offsets) == ["x"]


def test_no_password_is_shown() -> None:
    assert without_password("redis://:secret@127.0.0.1:1/0") == "redis://127.0.0.1:1/0"
    assert without_password("postgresql://a:secret@h:2/d") == "postgresql://a@h:2/d"
    assert without_password("http://127.0.0.1:8545") == "http://127.0.0.1:8545"
