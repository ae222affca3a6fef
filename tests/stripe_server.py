"""A server that speaks as Stripe does: PaymentIntents, refunds, idempotency keys, and signed webhooks.

Forms with brackets come in, JSON objects go out; `fail` makes it answer as a broken one would.
"""

import json
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from typing_extensions import override

KEY = "sk_test_" + "a1b2c3" * 4
WEBHOOK_SECRET = "whsec_" + "d4e5f6" * 4

CREATED = 1_767_268_800  # of everything
Answer = tuple[int, dict[str, Any]]


@dataclass
class StripeServer:
    url: str = ""
    intents: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    kept: dict[str, Answer] = field(default_factory=dict)  # by idempotency key
    fail: int = 0
    """The status of the next answers; what was asked was done all the same."""
    silent: bool = False
    _one_by_one: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, target: str, form: dict[str, str], key: str | None) -> Answer:
        path, query = urlsplit(target).path, dict(parse_qsl(urlsplit(target).query))
        with self._one_by_one:
            if key is not None and key in self.kept:
                return self.kept[key]
            made = self._route(method, path, {**query, **form})
            if key is not None:
                self.kept[key] = made
            return made

    def _route(self, method: str, path: str, form: dict[str, str]) -> Answer:
        if (method, path) == ("POST", "/v1/payment_intents"):
            return 200, self._create(form)
        if path == "/v1/payment_intents/search":
            wanted = re.search(r"'payment_id'\]:'([^']+)'", form["query"])
            assert wanted is not None
            found = [i for i in self.intents.values() if i["metadata"].get("payment_id") == wanted[1]]
            return 200, {"object": "search_result", "data": found, "has_more": False, "url": path}
        if (method, path) == ("GET", "/v1/payment_intents"):
            return 200, _list(path, list(self.intents.values()))
        if path == "/v1/refunds":
            return self._refund(form) if method == "POST" else (200, _list(path, self._refunds_of(form)))
        match = re.fullmatch(r"/v1/payment_intents/(\w+)(?:/(\w+))?", path)
        if match is None or match[1] not in self.intents:
            return 404, _error("resource_missing")
        return self._act(self.intents[match[1]], match[2])

    def _create(self, form: dict[str, str]) -> dict[str, Any]:
        reference = f"pi_{secrets.token_hex(12)}"
        self.intents[reference] = {
            "id": reference,
            "object": "payment_intent",
            "amount": int(form["amount"]),
            "amount_received": 0,
            "amount_capturable": 0,
            "currency": form["currency"],
            "client_secret": f"{reference}_secret_{secrets.token_hex(8)}",
            "created": CREATED,
            "metadata": {"payment_id": form["metadata[payment_id]"]},
            "status": "requires_payment_method",
        }
        return self.intents[reference]

    def _act(self, intent: dict[str, Any], what: str | None) -> Answer:
        if what == "cancel":
            if intent["status"] in {"succeeded", "canceled"}:
                return 400, _error("payment_intent_unexpected_state")
            intent["status"] = "canceled"
        elif what == "capture":
            if intent["status"] != "requires_capture":
                return 400, _error("payment_intent_unexpected_state")
            intent |= {"status": "succeeded", "amount_received": intent["amount_capturable"]}
        return 200, intent

    def _refund(self, form: dict[str, str]) -> Answer:
        intent = self.intents[form["payment_intent"]]
        gone = sum(refund["amount"] for refund in self.refunds if refund["payment_intent"] == intent["id"])
        if gone + int(form["amount"]) > intent["amount_received"]:
            return 400, _error("charge_already_refunded")
        refund = {
            "id": f"re_{secrets.token_hex(12)}",
            "object": "refund",
            "amount": int(form["amount"]),
            "currency": intent["currency"],
            "created": CREATED,
            "metadata": {"key": form["metadata[key]"]},
            "payment_intent": intent["id"],
            "status": "succeeded",
        }
        self.refunds.append(refund)
        return 200, refund

    def _refunds_of(self, form: dict[str, str]) -> list[dict[str, Any]]:
        if "payment_intent" in form:
            return [refund for refund in self.refunds if refund["payment_intent"] == form["payment_intent"]]
        return [
            {**refund, "payment_intent": self.intents[refund["payment_intent"]]} for refund in self.refunds
        ]

    def pay(self, reference: str, *, status: str = "succeeded", less: int = 0) -> None:
        """What a payer does on Stripe's own form."""
        intent = self.intents[reference]
        counted = {"succeeded": "amount_received", "requires_capture": "amount_capturable"}.get(status)
        intent["status"] = status
        if counted:
            intent[counted] = intent["amount"] - less

    def event(self, reference: str, kind: str, event_id: str = "") -> bytes:
        body = {
            "id": event_id or f"evt_{secrets.token_hex(12)}",
            "object": "event",
            "type": kind,
            "data": {"object": self.intents[reference]},
        }
        return json.dumps(body).encode()


def _list(path: str, data: list[dict[str, Any]]) -> dict[str, Any]:
    return {"object": "list", "data": data, "has_more": False, "url": path}


def _error(code: str) -> dict[str, Any]:
    return {"error": {"type": "invalid_request_error", "code": code, "message": f"{code}: {KEY}"}}


@contextmanager
def running_stripe() -> Iterator[StripeServer]:
    stripe = StripeServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"  # a connection a request: none is left open

        def _serve(self) -> None:
            form = dict(parse_qsl(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()))
            if self.headers["Authorization"] != f"Bearer {KEY}":
                self._send(401, _error("api_key_invalid"))
                return
            status, body = stripe.answer(self.command, self.path, form, self.headers["Idempotency-Key"])
            if stripe.silent:
                self.close_connection = True
                return
            self._send(*((stripe.fail, {"error": {"type": "api_error"}}) if stripe.fail else (status, body)))

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def _send(self, status: int, body: dict[str, Any]) -> None:
            raw = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        @override
        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stripe.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield stripe
    server.shutdown()
    server.server_close()
    thread.join()
