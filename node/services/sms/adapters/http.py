"""Any gateway of one's own: `POST {"to": "+90…", "text": "…"}` as JSON to `http.url`.

2xx means taken, and an `id` in a JSON answer is kept. 429 and 5xx mean later, anything else means never.
`http.authorization`, when given, is sent as the header of that name. With `http.report_secret` the gateway is
told `report_url` as well, and posts `{"id": "…", "status": "delivered" | "failed"}` there, signed with
`X-Signature: sha256=<hex HMAC-SHA256 of the body>`; any other status means "on its way".
"""

import hashlib
import hmac
import json
from typing import Final

import httpx
from typing_extensions import override

from node.services.sms.adapter import TIMEOUT_S, Delivery, Options, Report, SmsAdapter
from node.services.sms.errors import ReportForged, ReportMalformed, SmsAway, SmsRefused

ID_CHARS_MAX = 200
SIGNATURE = "x-signature"
OUTCOMES: Final = {"delivered": True, "failed": False}


class HttpAdapter(SmsAdapter):
    def __init__(
        self, url: str, authorization: str | None, *, report_url: str, report_secret: str | None
    ) -> None:
        headers = {} if authorization is None else {"Authorization": authorization}
        self._url = url
        self._report = {"report_url": f"{report_url}/http"} if report_secret and report_url else {}
        self._report_secret = (report_secret or "").encode()
        self._http = httpx.Client(timeout=TIMEOUT_S, headers=headers, trust_env=False)

    @override
    def send(self, to: str, text: str) -> str:
        try:
            answer = self._http.post(self._url, json={"to": to, "text": text, **self._report})
        except httpx.TransportError as error:
            raise SmsAway(f"the gateway does not answer: {type(error).__name__}") from error
        if answer.is_success:
            return _id_of(answer)
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error:
            raise SmsAway(f"the gateway answered {answer.status_code}")
        raise SmsRefused(f"the gateway answered {answer.status_code}")

    @property
    @override
    def tells(self) -> bool:
        return bool(self._report)

    @override
    def read_report(self, report: Report) -> Delivery | None:
        mac = hmac.new(self._report_secret, report.body, hashlib.sha256).hexdigest()
        said = report.headers.get(SIGNATURE, "")
        if not self._report_secret or not hmac.compare_digest(f"sha256={mac}".encode(), said.encode()):
            raise ReportForged("the report is not signed by the gateway")
        try:
            parsed = json.loads(report.body)
            message_id, status = str(parsed["id"]), str(parsed["status"])
        except (ValueError, KeyError, TypeError) as error:
            raise ReportMalformed("a report is JSON with `id` and `status`") from error
        if not message_id:
            raise ReportMalformed("a report names its message")
        return Delivery(message_id, OUTCOMES[status]) if status in OUTCOMES else None


def _id_of(answer: httpx.Response) -> str:
    try:
        parsed = answer.json()
    except ValueError:
        return ""
    found = parsed.get("id") if isinstance(parsed, dict) else None
    return str(found or "")[:ID_CHARS_MAX]


def open_adapter(options: Options) -> SmsAdapter:
    return HttpAdapter(
        options.need("http.url"),
        options.values.get("http.authorization"),
        report_url=options.report_url,
        report_secret=options.values.get("http.report_secret"),
    )
