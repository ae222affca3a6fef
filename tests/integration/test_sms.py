"""Carriers against a server that speaks as they do."""

import base64
import hashlib
import hmac
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import pytest

from node.kernel.errors import Bug
from node.services.sms.adapter import Delivery, Options, Report
from node.services.sms.adapters.twilio import signature
from node.services.sms.errors import CarrierUnknown, ReportForged, ReportMalformed, SmsAway, SmsRefused
from node.services.sms.sending import open_carriers
from tests.carrier import Carrier, running_carrier
from tests.stack import free_port

SID = "AC" + "0" * 32
REPORTS = "https://asoud.test/v1/sms/reports"
TO = "+905551112233"
TEXT = "کد ورود: 123456\n\n@asoud.test #123456"


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    with running_carrier() as running:
        yield running


def options(tmp_path: Path, carrier_url: str, **more: str) -> Options:
    values = {
        "twilio.url": carrier_url,
        "twilio.account_sid": SID,
        "twilio.auth_token": "secret",
        "twilio.from": "+15005550006",
        "http.url": f"{carrier_url}/send",
        "http.authorization": "Bearer token",
    }
    return Options(tmp_path, values | more, report_url=REPORTS)


def test_twilio_gets_its_form(tmp_path: Path, carrier: Carrier) -> None:
    sent = open_carriers(["twilio"], options(tmp_path, carrier.url)).send(TO, TEXT)
    assert sent == "twilio:SM1"
    ((path, headers, body),) = carrier.asked
    assert path == f"/2010-04-01/Accounts/{SID}/Messages.json"
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert headers["authorization"] == "Basic " + base64.b64encode(f"{SID}:secret".encode()).decode()
    assert parse_qs(body.decode()) == {
        "To": [TO],
        "From": ["+15005550006"],
        "Body": [TEXT],
        "StatusCallback": [f"{REPORTS}/twilio"],
    }


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


# ------------------------------------------------------------------------------------------ reports


@pytest.mark.parametrize(
    ("caller", "signed"),
    [("+14158675309", "RSOYDt4T1cUTdK1PDd93/VVr8B8="), ("+12349013030", "0/KCTR6DLpKmkAf8muzZqo1nDgQ=")],
)
def test_twilios_signature_is_that_of_its_published_examples(caller: str, signed: str) -> None:
    form = {"CallSid": "CA1234567890ABCDE", "Caller": caller, "Digits": "1234", "From": caller}
    fields = [*form.items(), ("To", "+18005551212")]
    assert signature(b"12345", "https://mycompany.com/myapp.php?foo=1&bar=2", fields) == signed


def twilio_report(token: str = "secret", url: str = f"{REPORTS}/twilio", **form: str) -> Report:  # noqa: S107
    fields = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": TO, **form}
    signed = signature(token.encode(), url, list(fields.items()))
    return Report({"x-twilio-signature": signed}, urlencode(fields).encode())


@pytest.mark.parametrize(
    ("status", "said"),
    [("delivered", True), ("undelivered", False), ("failed", False), ("queued", None), ("sent", None)],
)
def test_twilio_reports_what_became_of_a_message(
    tmp_path: Path,
    carrier: Carrier,
    status: str,
    said: bool | None,
) -> None:
    carriers = open_carriers(["twilio"], options(tmp_path, carrier.url))
    found = carriers.read_report("twilio", twilio_report(MessageStatus=status))
    assert found == (None if said is None else Delivery("twilio:SM1", said))


def test_a_report_that_twilio_did_not_sign_is_refused(tmp_path: Path, carrier: Carrier) -> None:
    carriers = open_carriers(["twilio"], options(tmp_path, carrier.url))
    good = twilio_report()
    forged = [
        twilio_report("guess"),
        twilio_report(url="https://evil.example/twilio"),
        Report(good.headers, good.body.replace(b"delivered", b"failed")),
        Report(good.headers, good.body + b"&MessageStatus=failed"),
        Report({}, good.body),
        Report({"x-twilio-signature": "é"}, good.body),
        Report(good.headers, b"\xff\xfe"),
        Report(good.headers, b"&".join(b"a=1" for _ in range(200))),
        Report(good.headers, b""),
    ]
    for report in forged:
        with pytest.raises(ReportForged):
            carriers.read_report("twilio", report)
    with pytest.raises(ReportMalformed):
        carriers.read_report("twilio", twilio_report(MessageSid=""))


def gateway_report(body: bytes, secret: bytes = b"reports") -> Report:
    return Report({"x-signature": f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"}, body)


def test_a_gateway_reports_signed_json_where_it_was_told_to(tmp_path: Path, carrier: Carrier) -> None:
    carrier.status, carrier.body = 200, {"id": "m-7"}
    carriers = open_carriers(["http"], options(tmp_path, carrier.url, **{"http.report_secret": "reports"}))
    carriers.send(TO, TEXT)
    assert json.loads(carrier.asked[0][2])["report_url"] == f"{REPORTS}/http"
    for status, said in (("delivered", True), ("failed", False)):
        report = gateway_report(json.dumps({"id": "m-7", "status": status}).encode())
        assert carriers.read_report("http", report) == Delivery("http:m-7", said)
    assert carriers.read_report("http", gateway_report(b'{"id": "m-7", "status": "sent"}')) is None
    for body in (b"", b"[]", b"7", b'{"id": "m-7"}', b'{"id": "", "status": "failed"}', b"\xff"):
        with pytest.raises(ReportMalformed):
            carriers.read_report("http", gateway_report(body))
    good = gateway_report(b'{"id": "m-7", "status": "failed"}')
    for forged in (Report({}, good.body), gateway_report(good.body, b""), Report(good.headers, b"{}")):
        with pytest.raises(ReportForged):
            carriers.read_report("http", forged)


def test_who_was_not_asked_to_report_does_not(tmp_path: Path, carrier: Carrier) -> None:
    carriers = open_carriers(["console", "http"], options(tmp_path, carrier.url))
    for name in ("console", "http", "twilio", "pigeon"):
        with pytest.raises(CarrierUnknown):
            carriers.read_report(name, gateway_report(b"{}", b""))


def test_what_one_did_not_deliver_goes_by_another(tmp_path: Path, carrier: Carrier) -> None:
    carriers = open_carriers(["twilio", "http"], options(tmp_path, carrier.url))
    assert carriers.may_fail_over({"twilio"})
    assert not carriers.may_fail_over({"http"})  # it tells nothing
    assert not carriers.may_fail_over({"twilio", "http"})
    carrier.status, carrier.body = 200, {"id": "m-8"}
    assert carriers.send(TO, TEXT, but={"twilio"}) == "http:m-8"
    carrier.status, carrier.body = 201, {"sid": "SM2"}
    assert carriers.send(TO, TEXT, but={"twilio", "http"}) == "twilio:SM2"
