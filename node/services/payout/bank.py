"""What banks read: account numbers, and the file of what they are to pay."""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from node.kernel.money import Amount
from node.services.payout.errors import IbanInvalid

_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", re.ASCII)
_REMAINDER = 1  # of a right number (ISO 7064, MOD 97-10)
_FORMULA: Final = ("=", "+", "-", "@", "\t")
HEAD: Final = ("payout", "beneficiary", "iban", "amount", "currency")


@dataclass(frozen=True, slots=True)
class Line:
    payout: str
    beneficiary: str
    iban: str
    amount: Amount


def normalise_iban(raw: str) -> str:
    """Without spaces, in capitals. Raises IbanInvalid."""
    iban = re.sub(r"\s", "", raw).upper()
    if _IBAN.fullmatch(iban):
        digits = "".join(str(int(char, 36)) for char in iban[4:] + iban[:4])
        if int(digits) % 97 == _REMAINDER:
            return iban
    raise IbanInvalid("not an account number of ISO 13616", field="iban")


def bank_csv(lines: Iterable[Line]) -> str:
    """RFC 4180. What a spreadsheet would take for a formula begins with an apostrophe."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(HEAD)
    for line in lines:
        name = f"'{line.beneficiary}" if line.beneficiary.startswith(_FORMULA) else line.beneficiary
        writer.writerow((line.payout, name, line.iban, _decimal(line.amount), line.amount.asset.code))
    return written.getvalue()


def _decimal(amount: Amount) -> str:
    exponent = amount.asset.exponent
    whole, rest = divmod(amount.value, 10**exponent)
    return f"{whole}.{rest:0{exponent}}" if exponent else str(whole)
