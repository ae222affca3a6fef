"""Any gateway of one's own: `POST {"to": "+90…", "text": "…"}` as JSON to `http.url`.

2xx means taken, and an `id` in a JSON answer is kept. 429 and 5xx mean later, anything else means never.
`http.authorization`, when given, is sent as the header of that name.
"""

import httpx
from typing_extensions import override

from node.services.sms.adapter import TIMEOUT_S, Options, SmsAdapter
from node.services.sms.errors import SmsAway, SmsRefused

ID_CHARS_MAX = 200


class HttpAdapter(SmsAdapter):
    def __init__(self, url: str, authorization: str | None) -> None:
        headers = {} if authorization is None else {"Authorization": authorization}
        self._url = url
        self._http = httpx.Client(timeout=TIMEOUT_S, headers=headers, trust_env=False)

    @override
    def send(self, to: str, text: str) -> str:
        try:
            answer = self._http.post(self._url, json={"to": to, "text": text})
        except httpx.TransportError as error:
            raise SmsAway(f"the gateway does not answer: {type(error).__name__}") from error
        if answer.is_success:
            return _id_of(answer)
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error:
            raise SmsAway(f"the gateway answered {answer.status_code}")
        raise SmsRefused(f"the gateway answered {answer.status_code}")


def _id_of(answer: httpx.Response) -> str:
    try:
        parsed = answer.json()
    except ValueError:
        return ""
    found = parsed.get("id") if isinstance(parsed, dict) else None
    return str(found or "")[:ID_CHARS_MAX]


def open_adapter(options: Options) -> SmsAdapter:
    return HttpAdapter(options.need("http.url"), options.values.get("http.authorization"))
