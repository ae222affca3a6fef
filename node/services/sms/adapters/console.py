"""For development: each message is a line of `<data folder>/outbox/sms.jsonl`, which its owner alone reads.

Not the console itself, nor the log: logs are shipped and kept, and a code is a way into an account.
"""

import json
import os

from typing_extensions import override

from node.services.sms.adapter import Delivery, Options, Report, SmsAdapter
from node.services.sms.errors import ReportForged

OUTBOX = "outbox/sms.jsonl"


class ConsoleAdapter(SmsAdapter):
    def __init__(self, options: Options) -> None:
        self._path = options.data_dir / OUTBOX

    @override
    def send(self, to: str, text: str) -> str:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        line = json.dumps({"to": to, "text": text}, ensure_ascii=False) + "\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(line)
        return ""

    @property
    @override
    def tells(self) -> bool:
        return False

    @override
    def read_report(self, report: Report) -> Delivery | None:
        raise ReportForged("a file reports nothing")


def open_adapter(options: Options) -> SmsAdapter:
    return ConsoleAdapter(options)
