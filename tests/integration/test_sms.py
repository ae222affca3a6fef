"""Carriers against a server that speaks as they do."""

import base64
import json
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from typing_extensions import override

from node.kernel.errors import Bug
from node.services.sms.adapter import Options
from node.services.sms.errors import SmsAway, SmsRefused
from node.services.sms.sending import open_carriers
from tests.stack import free_port

SID = "AC" + "0" * 32
TO = "+905551112233"
TEXT = "کد ورود: 123456\n\n@asoud.test #123456"


@dataclass
class Carrier:
    """Answers what it was told to, and remembers what it was asked."""

    status: int = 201
    body: Any = field(default_factory=lambda: {"sid": "SM1", "status": "queued", "error_code": None})
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    told = Carrier()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            told.asked.append((self.path, headers, body))
            answer = told.body if isinstance(told.body, bytes) else json.dumps(told.body).encode()
            self.send_response(told.status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        @override
        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield told
    server.shutdown()
    server.server_close()
    thread.join()


def options(tmp_path: Path, carrier_url: str, **more: str) -> Options:
    values = {
        "twilio.url": carrier_url,
        "twilio.account_sid": SID,
        "twilio.auth_token": "secret",
        "twilio.from": "+15005550006",
        "http.url": f"{carrier_url}/send",
        "http.authorization": "Bearer token",
    }
    return Options(tmp_path, values | more)


def test_twilio_gets_its_form(tmp_path: Path, carrier: Carrier) -> None:
    sent = open_carriers(["twilio"], options(tmp_path, carrier.url)).send(TO, TEXT)
    assert sent == "twilio:SM1"
    ((path, headers, body),) = carrier.asked
    assert path == f"/2010-04-01/Accounts/{SID}/Messages.json"
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert headers["authorization"] == "Basic " + base64.b64encode(f"{SID}:secret".encode()).decode()
    assert parse_qs(body.decode()) == {"To": [TO], "From": ["+15005550006"], "Body": [TEXT]}


def test_a_messaging_service_is_named_as_one(tmp_path: Path, carrier: Carrier) -> None:
    chosen = options(tmp_path, carrier.url, **{"twilio.from": "MG" + "1" * 32})
    open_carriers(["twilio"], chosen).send(TO, TEXT)
    form = parse_qs(carrier.asked[0][2].decode())
    assert form["MessagingServiceSid"] == ["MG" + "1" * 32]
    assert "From" not in form


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"code": 21211, "message": f"Invalid 'To' Phone Number: {TO}", "status": 400}, SmsRefused),
        (401, {"code": 20003, "message": "Authenticate", "status": 401}, SmsRefused),
        (429, {"code": 20429, "message": "Too Many Requests", "status": 429}, SmsAway),
        (500, b"<html>", SmsAway),
        (503, {}, SmsAway),
        (201, b"not json", SmsRefused),
        (302, b"", SmsRefused),
    ],
)
def test_what_twilio_refuses_is_told_apart_and_names_no_number(
    tmp_path: Path, carrier: Carrier, status: int, body: object, error: type[Exception]
) -> None:
    carrier.status, carrier.body = status, body
    with pytest.raises(error) as caught:
        open_carriers(["twilio"], options(tmp_path, carrier.url)).send(TO, TEXT)
    assert TO not in str(caught.value)
    assert "123456" not in str(caught.value)


def test_a_gateway_gets_json(tmp_path: Path, carrier: Carrier) -> None:
    carrier.status, carrier.body = 200, {"id": "m-7"}
    assert open_carriers(["http"], options(tmp_path, carrier.url)).send(TO, TEXT) == "http:m-7"
    ((path, headers, body),) = carrier.asked
    assert (path, headers["authorization"]) == ("/send", "Bearer token")
    assert json.loads(body) == {"to": TO, "text": TEXT}


@pytest.mark.parametrize(
    ("status", "error"), [(400, SmsRefused), (403, SmsRefused), (429, SmsAway), (502, SmsAway)]
)
def test_a_gateways_refusals_are_told_apart(
    tmp_path: Path, carrier: Carrier, status: int, error: type[Exception]
) -> None:
    carrier.status = status
    with pytest.raises(error):
        open_carriers(["http"], options(tmp_path, carrier.url)).send(TO, TEXT)


def test_the_next_carrier_takes_what_the_first_does_not(tmp_path: Path, carrier: Carrier) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    chosen = options(tmp_path, carrier.url, **{"http.url": nobody})
    assert open_carriers(["http", "twilio"], chosen).send(TO, TEXT) == "twilio:SM1"


def test_when_one_may_take_it_later_it_is_tried_again(tmp_path: Path, carrier: Carrier) -> None:
    carrier.status = 400
    nobody = f"http://127.0.0.1:{free_port()}"
    carriers = open_carriers(["http", "twilio"], options(tmp_path, carrier.url, **{"http.url": nobody}))
    with pytest.raises(SmsAway):
        carriers.send(TO, TEXT)


def test_the_console_writes_where_only_its_owner_reads(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    carriers = open_carriers(["console"], Options(tmp_path, {}))
    for n in range(3):
        carriers.send(TO, f"{TEXT} {n}")
    path = tmp_path / "outbox" / "sms.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert lines == [{"to": TO, "text": f"{TEXT} {n}"} for n in range(3)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "123456" not in "".join(capfd.readouterr())


def test_a_carrier_without_its_options_or_its_file_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(Bug, match=r"twilio\.account_sid"):
        open_carriers(["twilio"], Options(tmp_path, {}))
    for name in ("pigeon", "../console", "os", ""):
        with pytest.raises(Bug, match="no such SMS adapter"):
            open_carriers([name], Options(tmp_path, {}))
