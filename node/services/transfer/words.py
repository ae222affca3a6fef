"""What a text message says of money that came, and how amounts are written in it."""

from collections.abc import Mapping
from typing import Final

from node.kernel.money import Amount

_CAME: Final[Mapping[str, str]] = {
    "en": "ASOUD: {amount} came for you from {sender}. Sign in by this phone to use it.",
    "tr": "ASOUD: {sender} size {amount} gönderdi. Kullanmak için bu telefonla giriş yapın.",
    "ar": "ASOUD: وصلك {amount} من {sender}. سجّل الدخول بهذا الهاتف لاستخدامه.",
    "fa": "ASOUD: {amount} از {sender} برای شما رسید. برای استفاده با این تلفن وارد شوید.",
    "ru": "ASOUD: вам пришло {amount} от {sender}. Войдите с этого телефона, чтобы воспользоваться.",
    "kk": "ASOUD: сізге {sender} жіберген {amount} келді. Пайдалану үшін осы телефонмен кіріңіз.",
    "uz": "ASOUD: sizga {sender}dan {amount} keldi. Foydalanish uchun shu telefon bilan kiring.",
}


def came(language: str, amount: Amount, sender: str) -> str:
    """Neither names nor notes of the sender's own making go into it: it is no way to send people messages."""
    return _CAME[language].format(amount=written(amount), sender=sender)


def written(amount: Amount) -> str:
    """`12.345 KWD`; whole amounts without decimals."""
    whole, rest = divmod(amount.value, 10**amount.asset.exponent)
    fraction = f".{rest:0{amount.asset.exponent}}" if rest else ""
    return f"{whole}{fraction} {amount.asset.code}"
