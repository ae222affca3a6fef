"""What a carrier is, and the options that it is opened with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from node.kernel.errors import Bug

TIMEOUT_S = 10.0  # of one request to a carrier; far below the limit of a task


@dataclass(frozen=True, slots=True)
class Report:
    """What was posted to `<report_url>/<carrier>`. Header names are in lower case."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    message_id: str
    is_delivered: bool


class SmsAdapter(Protocol):
    def send(self, to: str, text: str) -> str:
        """Hands one message over; returns the carrier's id of it, "" where there is none.

        Raises:
            SmsAway: Another carrier, or another time.
            SmsRefused: This carrier will never send it.
        """

    @property
    def tells(self) -> bool:
        """Whether it reports what becomes of its messages."""

    def read_report(self, report: Report) -> Delivery | None:
        """What it says of one of its messages; None while that is on its way.

        Raises:
            ReportForged: It is not from the carrier.
            ReportMalformed: It is, and can't be read.
        """


@dataclass(frozen=True, slots=True)
class Options:
    """The node's folder, and the operator's `ASOUD_SMS_OPTIONS`: names like `twilio.account_sid`."""

    data_dir: Path
    values: Mapping[str, str]
    report_url: str = ""
    """Where carriers report to, without the carrier's name; "" where nothing reaches the node."""

    def need(self, name: str) -> str:
        """Raises Bug: a node without it must not start."""
        value = self.values.get(name)
        if not value:
            raise Bug(f"ASOUD_SMS_OPTIONS lacks {name}", name=name)
        return value
