"""The page where one pays or declines, in a language and in its direction."""

from html import escape
from typing import Any, Final

from node.kernel.currencies import EXPONENTS
from node.sandbox.faults import Fault

RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "he", "ur", "ckb"})
WORDS: Final = {
    "en": ("Sandbox payment", "Pay", "Decline", "Nothing is paid here: this is a gateway for development."),
    "tr": (
        "Deneme ödemesi",
        "Öde",
        "Vazgeç",
        "Burada para ödenmez: bu, geliştirme için bir ödeme kapısıdır.",
    ),
    "fa": ("پرداخت آزمایشی", "پرداخت", "انصراف", "اینجا پولی پرداخت نمی‌شود: این درگاه برای توسعه است."),
    "ar": ("دفع تجريبي", "ادفع", "إلغاء", "لا يُدفع هنا شيء: هذه بوابة للتطوير."),
}
_STYLE: Final = (
    "body{font:1.1rem system-ui;max-width:30rem;margin:3rem auto;padding:0 1rem}"
    "button{font:inherit;padding:.6rem 1.4rem;margin-inline-end:.6rem}"
    "label{display:block;font-size:.9rem}"
)


def language_of(accepted: str) -> str:
    """The first that there are words in; regions don't matter here."""
    for entry in accepted.split(","):
        language = entry.partition(";")[0].strip().partition("-")[0].lower()
        if language in WORDS:
            return language
    return "en"


def page(payment: dict[str, Any], language: str) -> str:
    title, pay, decline, note = WORDS[language]
    direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
    boxes = "".join(
        f'<label><input type="checkbox" name="fault" value="{fault}"> {fault}</label>' for fault in Fault
    )
    return (
        f'<!doctype html><html lang="{language}" dir="{direction}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1><p>{escape(payment['title'])}</p>"
        f"<p><bdi>{shown(int(payment['amount']), payment['currency'])}</bdi></p>"
        f'<form method="post"><button name="do" value="pay">{pay}</button>'
        f'<button name="do" value="decline">{decline}</button>'
        f"<details><summary>…</summary>{boxes}</details></form><p><small>{note}</small></p></html>"
    )


def shown(amount: int, currency: str) -> str:
    """In the currency's own unit: `12.345 KWD`."""
    exponent = EXPONENTS.get(currency, 0)
    whole, rest = divmod(amount, 10**exponent)
    return f"{whole}.{rest:0{exponent}} {currency}" if exponent else f"{whole} {currency}"
