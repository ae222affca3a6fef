"""The way out: the first carrier that takes the message."""

import importlib
import pkgutil
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from node.kernel.errors import Bug
from node.kernel.log import get_logger
from node.services.sms import adapters
from node.services.sms.adapter import Delivery, Options, Report, SmsAdapter
from node.services.sms.errors import CarrierUnknown, SmsAway, SmsRefused

log = get_logger(__name__)


class Carriers:
    """Tries them in the order of the setting. Logs say which one failed and why, never the text or number."""

    def __init__(self, carriers: Sequence[tuple[str, SmsAdapter]]) -> None:
        if not carriers:
            raise Bug("no carrier to send messages with")
        self._carriers = carriers

    def send(self, to: str, text: str, *, but: AbstractSet[str] = frozenset()) -> str:
        """Returns `<carrier>:<its id>`. Those in `but` are left out, unless there is no other.

        Raises:
            SmsAway: None took it, and one of them may later.
            SmsRefused: Every one of them will never take it.
        """
        away: SmsAway | None = None
        refused: SmsRefused | None = None
        others = [entry for entry in self._carriers if entry[0] not in but]
        for name, carrier in others or self._carriers:
            try:
                return f"{name}:{carrier.send(to, text)}"
            except SmsAway as error:
                away = error
            except SmsRefused as error:
                refused = error
            log.warning("sms_not_taken", carrier=name, reason=str(away or refused))
        failure = away or refused
        assert failure is not None
        raise failure

    def may_fail_over(self, tried: AbstractSet[str]) -> bool:
        """Whether one of these tells what becomes of its messages, and another one is left."""
        tells = any(carrier.tells for name, carrier in self._carriers if name in tried)
        return tells and any(name not in tried for name, _ in self._carriers)

    def read_report(self, name: str, report: Report) -> Delivery | None:
        """What the carrier says of a message; its id is made that of `send`.

        Raises:
            CarrierUnknown, ReportForged, ReportMalformed: Nothing was said.
        """
        for known, carrier in self._carriers:
            if known == name and carrier.tells:
                said = carrier.read_report(report)
                return said and Delivery(f"{name}:{said.message_id}", said.is_delivered)
        raise CarrierUnknown("no carrier of that name reports here")


def open_carriers(names: Sequence[str], options: Options) -> Carriers:
    """Raises Bug for a name that has no file."""
    known = {module.name for module in pkgutil.iter_modules(adapters.__path__)}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Bug("there is no such SMS adapter", unknown=", ".join(unknown), known=", ".join(sorted(known)))
    opened = []
    for name in names:
        module = importlib.import_module(f"{adapters.__name__}.{name}")
        carrier: SmsAdapter = module.open_adapter(options)
        opened.append((name, carrier))
    return Carriers(opened)
