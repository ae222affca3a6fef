"""The sandbox: a gateway of our own for development, in a process of its own (`node.sandbox`).

`sandbox.url` is where it is, `sandbox.secret` what both sides know. Requests carry it as a bearer token,
callbacks are signed with it: `X-Sandbox-Signature` is the hex HMAC-SHA256 of
`<X-Sandbox-Timestamp>.<body>`, and one that is older than five minutes is not believed.
"""

import datetime as dt
import hashlib
import hmac
import json
import uuid
from collections.abc import Iterable
from typing import Any, Final

import httpx
from typing_extensions import override

from node.kernel.money import Amount
from node.services.gateway.errors import CallbackForged, CallbackMalformed, GatewayAway
from node.services.gateway.http import asked
from node.services.gateway.provider import (
    ID_CHARS_MAX,
    TIMEOUT_S,
    Ask,
    Begun,
    Callback,
    Entry,
    Options,
    Provider,
    Seen,
    Status,
    Told,
)

AGE_MAX: Final = dt.timedelta(minutes=5)


class SandboxProvider(Provider):
    def __init__(self, url: str, secret: str, *, timeout_s: float) -> None:
        self._secret = secret.encode()
        headers = {"Authorization": f"Bearer {secret}"}
        self._http = httpx.Client(base_url=url, timeout=timeout_s, headers=headers, trust_env=False)

    @override
    def begin(self, ask: Ask) -> Begun:
        body = {
            "payment_id": str(ask.payment_id),
            "amount": str(ask.amount.value),
            "currency": ask.amount.asset.code,
            "title": ask.title,
            "return_url": ask.return_url,
            "callback_url": ask.callback_url,
        }
        made = _object(asked(self._http, "POST", "/payments", body))
        return Begun(str(made["id"])[:ID_CHARS_MAX], {"redirect_url": str(made["url"])})

    @override
    def look(self, payment_id: uuid.UUID, reference: str | None) -> Seen | None:
        answer = asked(self._http, "GET", f"/payments/{payment_id}")
        return None if answer.status_code == httpx.codes.NOT_FOUND else _away_unless_seen(_object(answer))

    @override
    def capture(self, seen: Seen, *, key: str) -> Seen:
        return self._moved(seen, "capture", key)

    @override
    def void(self, seen: Seen, *, key: str) -> Seen:
        return self._moved(seen, "void", key)

    def _moved(self, seen: Seen, what: str, key: str) -> Seen:
        answer = asked(self._http, "POST", f"/payments/{seen.payment_id}/{what}", {"key": key})
        return _away_unless_seen(_object(answer))

    @override
    def refund(self, reference: str, amount: Amount, *, key: str) -> None:
        body = {"key": key, "amount": str(amount.value), "reference": reference}
        _object(asked(self._http, "POST", "/refunds", body))

    @override
    def read_callback(self, callback: Callback) -> Told:
        stamp = callback.headers.get("x-sandbox-timestamp", "")
        said = callback.headers.get("x-sandbox-signature", "")
        if not hmac.compare_digest(signature(self._secret, stamp, callback.body).encode(), said.encode()):
            raise CallbackForged("the callback is not signed by the sandbox")
        if not stamp.isdecimal() or abs(callback.received_at.timestamp() - int(stamp[:12])) > AGE_MAX.seconds:
            raise CallbackForged("the callback was signed at another time")
        try:
            parsed = json.loads(callback.body)
            return Told(str(parsed["event_id"])[:ID_CHARS_MAX], _seen(parsed["payment"]))
        except (ValueError, KeyError, TypeError) as error:
            raise CallbackMalformed("a callback is JSON with `event_id` and `payment`") from error

    @override
    def report(self, since: dt.datetime) -> Iterable[Entry]:
        answer = asked(self._http, "GET", f"/report?since={int(since.timestamp())}")
        for line in _object(answer)["entries"]:
            yield Entry(
                uuid.UUID(line["payment_id"]),
                int(line["amount"]),
                str(line["currency"]),
                dt.datetime.fromtimestamp(line["at"], dt.UTC),
            )


def signature(secret: bytes, stamp: str, body: bytes) -> str:
    """What `X-Sandbox-Signature` says of a callback."""
    return hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _seen(payment: dict[str, Any]) -> Seen:
    return Seen(
        payment_id=uuid.UUID(payment["payment_id"]),
        reference=str(payment["id"])[:ID_CHARS_MAX],
        status=Status(payment["status"]),
        amount=int(payment["amount"]),
        currency=str(payment["currency"]),
    )


def _away_unless_seen(payment: dict[str, Any]) -> Seen:
    try:
        return _seen(payment)
    except (ValueError, KeyError, TypeError) as error:
        raise GatewayAway("the gateway's answer is not in its form") from error


def _object(answer: httpx.Response) -> dict[str, Any]:
    """An answer that cannot be read leaves open what was done."""
    try:
        parsed = answer.json()
    except ValueError as error:
        raise GatewayAway("the gateway's answer is not JSON") from error
    if not isinstance(parsed, dict) or not answer.is_success:
        raise GatewayAway(f"the gateway answered {answer.status_code} where that means nothing")
    return parsed


def open_provider(options: Options) -> Provider:
    return SandboxProvider(
        options.need("sandbox.url"),
        options.need("sandbox.secret"),
        timeout_s=float(options.values.get("sandbox.timeout_s", TIMEOUT_S)),
    )
