"""A file that the operator writes, or some program for it: `file.path`."""

from pathlib import Path

from node.services.rate.adapter import BYTES_MAX, Options, RateAdapter
from node.services.rate.errors import RateSourceAway, RateSourceUnreadable


class FileRates:
    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> bytes:
        try:
            with self._path.open("rb") as opened:
                document = opened.read(BYTES_MAX + 1)
        except OSError as error:
            raise RateSourceAway("the file of rates can't be read", reason=type(error).__name__) from error
        if len(document) > BYTES_MAX:
            raise RateSourceUnreadable("the file of rates is far too large")
        return document


def open_adapter(options: Options) -> RateAdapter:
    return FileRates(Path(options.need("file.path")))
