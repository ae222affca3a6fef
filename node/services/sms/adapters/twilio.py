"""Twilio's Messages resource, version 2010-04-01: a form with basic authentication, JSON back.

`twilio.from` is a number (E.164) or the id of a messaging service (MG…). `twilio.url` names another host that
speaks the same. Reports of delivery are forms, signed with the account's token (`X-Twilio-Signature`:
HMAC-SHA1 over the address that they were asked for and the sorted fields). Twilio takes addresses of https
alone.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

import httpx
from typing_extensions import override

from node.services.sms.adapter import TIMEOUT_S, Delivery, Options, Report, SmsAdapter
from node.services.sms.errors import ReportForged, ReportMalformed, SmsAway, SmsRefused

URL = "https://api.twilio.com"
SIGNATURE = "x-twilio-signature"
FIELDS_MAX = 100
OUTCOMES: Final = {"delivered": True, "undelivered": False, "failed": False}
SERVICE_PREFIX = "MG"


class TwilioAdapter(SmsAdapter):
    def __init__(self, *, url: str, account_sid: str, auth_token: str, sender: str, report_url: str) -> None:
        self._report_url = f"{report_url}/twilio" if report_url.startswith("https://") else ""
        self._token = auth_token.encode()
        self._path = f"{url}/2010-04-01/Accounts/{account_sid}/Messages.json"
        key = "MessagingServiceSid" if sender.startswith(SERVICE_PREFIX) else "From"
        self._sender = {key: sender}
        if self._report_url:
            self._sender["StatusCallback"] = self._report_url
        self._http = httpx.Client(timeout=TIMEOUT_S, auth=(account_sid, auth_token), trust_env=False)

    @override
    def send(self, to: str, text: str) -> str:
        try:
            answer = self._http.post(self._path, data={"To": to, "Body": text, **self._sender})
        except httpx.TransportError as error:
            raise SmsAway(f"Twilio does not answer: {type(error).__name__}") from error
        parsed = _json_object(answer)
        if answer.status_code == httpx.codes.CREATED and parsed.get("sid"):
            return str(parsed["sid"])
        # Their `message` may repeat the number, so logs get the code alone.
        reason = f"Twilio answered {answer.status_code}, code {parsed.get('code')}"
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error:
            raise SmsAway(reason)
        raise SmsRefused(reason)

    @property
    @override
    def tells(self) -> bool:
        return bool(self._report_url)

    @override
    def read_report(self, report: Report) -> Delivery | None:
        try:
            fields = parse_qsl(report.body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX)
        except ValueError as error:
            raise ReportForged("the report is not a form") from error
        said = report.headers.get(SIGNATURE, "")
        signed = signature(self._token, self._report_url, fields)
        if not self._report_url or not hmac.compare_digest(signed.encode(), said.encode()):
            raise ReportForged("the report is not signed by Twilio")
        form = dict(fields)
        message_id, status = form.get("MessageSid", ""), form.get("MessageStatus", "")
        if not message_id:
            raise ReportMalformed("a report names its message")
        return Delivery(message_id, OUTCOMES[status]) if status in OUTCOMES else None


def signature(token: bytes, url: str, fields: Sequence[tuple[str, str]]) -> str:
    """What `X-Twilio-Signature` says of a form that Twilio posts to `url`."""
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.new(token, text.encode(), hashlib.sha1).digest()).decode()


def _json_object(answer: httpx.Response) -> dict[str, Any]:
    try:
        parsed = answer.json()
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def open_adapter(options: Options) -> SmsAdapter:
    return TwilioAdapter(
        url=options.values.get("twilio.url", URL),
        account_sid=options.need("twilio.account_sid"),
        auth_token=options.need("twilio.auth_token"),
        sender=options.need("twilio.from"),
        report_url=options.report_url,
    )
