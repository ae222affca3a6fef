"""Tokens' metadata, read from the content store: joins two services that don't know each other."""

from typing_extensions import override

from node.kernel.errors import Invalid, NotFound
from node.services.content.cid import Cid
from node.services.content.metadata import METADATA_BYTES_MAX, parse_metadata
from node.services.content.store import ContentStore
from node.services.nft.metadata import INVALID, MISSING, Metadata, MetadataSource, cid_text, metadata_of


class StoredMetadata(MetadataSource):
    def __init__(self, store: ContentStore) -> None:
        self._store = store

    @override
    def read(self, uri: str) -> Metadata:
        text = cid_text(uri)
        if text is None:
            return MISSING
        try:
            opened = self._store.open(Cid.parse(text))
        except (Invalid, NotFound):
            return MISSING
        if opened.stored.size > METADATA_BYTES_MAX:
            return INVALID
        try:
            return metadata_of(parse_metadata(b"".join(opened.chunks())))
        except Invalid:
            return INVALID
