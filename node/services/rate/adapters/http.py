"""An address that answers a GET: `http.url`, and `http.authorization` where it wants one."""

import httpx

from node.services.rate.adapter import BYTES_MAX, TIMEOUT_S, Options, RateAdapter
from node.services.rate.errors import RateSourceAway, RateSourceUnreadable


class HttpRates:
    def __init__(self, url: str, authorization: str) -> None:
        self._url = url
        self._headers = {"Accept": "application/json"} | (
            {"Authorization": authorization} if authorization else {}
        )

    def read(self) -> bytes:
        """Redirects are not followed: the header is for the address that the operator named."""
        document = b""
        try:
            with httpx.stream(
                "GET", self._url, headers=self._headers, timeout=TIMEOUT_S, trust_env=False
            ) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise RateSourceAway("the source of rates does not answer", status=answer.status_code)
                for chunk in answer.iter_bytes():
                    document += chunk
                    if len(document) > BYTES_MAX:
                        raise RateSourceUnreadable("the answer is far too large")
        except httpx.HTTPError as error:
            raise RateSourceAway("the source of rates is away", reason=type(error).__name__) from error
        return document


def open_adapter(options: Options) -> RateAdapter:
    return HttpRates(options.need("http.url"), options.values.get("http.authorization", ""))
