"""Twilio's Messages resource, version 2010-04-01: a form with basic authentication, JSON back.

`twilio.from` is a number (E.164) or the id of a messaging service (MG…). `twilio.url` names another host that
speaks the same.
"""

from typing import Any

import httpx
from typing_extensions import override

from node.services.sms.adapter import TIMEOUT_S, Options, SmsAdapter
from node.services.sms.errors import SmsAway, SmsRefused

URL = "https://api.twilio.com"
SERVICE_PREFIX = "MG"


class TwilioAdapter(SmsAdapter):
    def __init__(self, *, url: str, account_sid: str, auth_token: str, sender: str) -> None:
        self._path = f"{url}/2010-04-01/Accounts/{account_sid}/Messages.json"
        key = "MessagingServiceSid" if sender.startswith(SERVICE_PREFIX) else "From"
        self._sender = {key: sender}
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
    )
