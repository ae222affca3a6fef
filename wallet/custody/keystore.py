"""The deployer's key of a real chain: an encrypted file, and a file with its password."""

from pathlib import Path

from wallet.custody.keys import KeySigner, key_of_keystore


class KeystoreSigner(KeySigner):
    """Raises `KeystoreUnusable` when the files don't give a key."""

    __slots__ = ()

    def __init__(self, path: Path, *, password_file: Path, chain_id: int) -> None:
        super().__init__(key_of_keystore(path, password_file), chain_id=chain_id)
