"""What text messages say, in the languages of those who get them.

Short, because a message in another script than Latin holds 70 characters and is paid for by the piece. The
code stands between a colon and a full stop in every language: devices that fill codes in find it there, and
in right-to-left text it keeps its place, as digits after a Latin word run with that word.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import phonenumbers

from node.services.identity.proof import Purpose

FALLBACK: Final = "en"
LANGUAGES_READ_MAX = 10  # of a header of anybody's making

# Where nobody says which language they read; elsewhere the fallback.
_OF_COUNTRY: Final[Mapping[str, str]] = {
    **dict.fromkeys(("AE", "BH", "EG", "IQ", "JO", "KW", "LB", "LY", "OM", "QA", "SA", "SY", "YE"), "ar"),
    **dict.fromkeys(("AF", "IR"), "fa"),
    **dict.fromkeys(("BY", "KG", "RU"), "ru"),
    "KZ": "kk",
    "TR": "tr",
    "UZ": "uz",
}
_TAG = re.compile(
    r"\s*([A-Za-z]{2,3})(?:-[A-Za-z0-9-]{1,32})?\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?)\s*)?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Words:
    purposes: Mapping[Purpose, str]
    warning: str
    recovery: str

    def code(self, purpose: Purpose, code: str, *, domain: str) -> str:
        """The last line binds the code to our site, for devices that fill codes in."""
        return f"{self.purposes[purpose]}: {code}. {self.warning}\n\n@{domain} #{code}"


WORDS: Final[Mapping[str, Words]] = {
    "en": Words(
        {
            Purpose.SIGN_IN: "Code to sign in to ASOUD",
            Purpose.LINK: "Code to add this phone to an account on ASOUD",
            Purpose.STEP_UP: "Code to confirm an act on your account on ASOUD",
        },
        "It serves for 5 minutes. Give it to nobody. Did you not ask for it? Then do nothing.",
        "Somebody says that a phone, wallet or authenticator app of your ASOUD account is lost, and wants to"
        " take it away. Was it not you? Then sign in and cancel it.",
    ),
    "tr": Words(
        {
            Purpose.SIGN_IN: "Giriş kodunuz, ASOUD",
            Purpose.LINK: "Bu telefonu bir hesaba ekleme kodu, ASOUD",
            Purpose.STEP_UP: "Hesabınızdaki bir işlemi onaylama kodu, ASOUD",
        },
        "5 dakika geçerlidir. Kimseye vermeyin. Siz istemediyseniz bir şey yapmayın.",
        "Biri, ASOUD hesabınızdaki bir telefonun, cüzdanın veya doğrulama uygulamasının kaybolduğunu"
        " söylüyor ve onu kaldırmak istiyor. Siz değilseniz giriş yapıp iptal edin.",
    ),
    "ar": Words(
        {
            Purpose.SIGN_IN: "رمز الدخول إلى ASOUD",
            Purpose.LINK: "رمز إضافة هذا الهاتف إلى حساب في ASOUD",
            Purpose.STEP_UP: "رمز تأكيد عملية في حسابك في ASOUD",
        },
        "صالح لمدة 5 دقائق. لا تعطه لأحد. إن لم تطلبه فلا تفعل شيئا.",
        "يقول أحدهم إن هاتفا أو محفظة أو تطبيق مصادقة من حسابك في ASOUD قد فُقد ويريد إزالته."
        " إن لم تكن أنت فسجّل الدخول وألغِ ذلك.",
    ),
    "fa": Words(
        {
            Purpose.SIGN_IN: "کد ورود به ASOUD",
            Purpose.LINK: "کد افزودن این تلفن به حسابی در ASOUD",
            Purpose.STEP_UP: "کد تأیید کاری در حساب شما در ASOUD",
        },
        "تا 5 دقیقه معتبر است. آن را به کسی ندهید. اگر شما نخواسته‌اید کاری نکنید.",
        "کسی می‌گوید تلفن، کیف پول یا برنامهٔ رمزساز حساب شما در ASOUD گم شده و می‌خواهد آن را حذف کند."
        " اگر شما نبودید وارد شوید و لغو کنید.",
    ),
    "ru": Words(
        {
            Purpose.SIGN_IN: "Код для входа в ASOUD",
            Purpose.LINK: "Код, чтобы добавить этот телефон в аккаунт ASOUD",
            Purpose.STEP_UP: "Код для подтверждения действия в аккаунте ASOUD",
        },
        "Действует 5 минут. Никому не сообщайте. Если вы его не просили, ничего не делайте.",
        "Кто-то сообщил, что телефон, кошелёк или приложение-аутентификатор вашего аккаунта ASOUD утеряны, и"
        " хочет их удалить. Если это не вы, войдите и отмените.",
    ),
    "kk": Words(
        {
            Purpose.SIGN_IN: "Кіру коды, ASOUD",
            Purpose.LINK: "Бұл телефонды тіркелгіге қосу коды, ASOUD",
            Purpose.STEP_UP: "Тіркелгідегі әрекетті растау коды, ASOUD",
        },
        "5 минут жарамды. Ешкімге бермеңіз. Сұрамаған болсаңыз, ештеңе істемеңіз.",
        "Біреу ASOUD тіркелгіңіздің телефоны, әмияны немесе аутентификатор қолданбасы жоғалды дейді және оны"
        " алып тастағысы келеді. Бұл сіз болмасаңыз, кіріп, бас тартыңыз.",
    ),
    "uz": Words(
        {
            Purpose.SIGN_IN: "Kirish kodi, ASOUD",
            Purpose.LINK: "Bu telefonni hisobga qo'shish kodi, ASOUD",
            Purpose.STEP_UP: "Hisobingizdagi amalni tasdiqlash kodi, ASOUD",
        },
        "5 daqiqa amal qiladi. Hech kimga bermang. So'ramagan bo'lsangiz, hech narsa qilmang.",
        "Kimdir ASOUD hisobingizning telefoni, hamyoni yoki autentifikator ilovasi yo'qolgan deb aytmoqda va"
        " uni olib tashlamoqchi. Bu siz bo'lmasangiz, kiring va bekor qiling.",
    ),
}


def language_of(phone: str, accepted: str, *, profile: str | None = None) -> str:
    """Of the profile, else what the device asks for (RFC 9110, section 12.5.4), else of the phone's country.

    Without an account only what whoever asks has sent counts: the message must not tell that the node knows
    the phone.
    """
    for tag in (*([profile] if profile else ()), *_by_preference(accepted)):
        language = str(tag.partition("-")[0].lower())
        if language in WORDS:
            return language
    country = str(phonenumbers.region_code_for_number(phonenumbers.parse(phone, None)))
    return _OF_COUNTRY.get(country, FALLBACK)


def _by_preference(accepted: str) -> list[str]:
    found: list[tuple[float, str]] = []
    for entry in accepted.split(",")[:LANGUAGES_READ_MAX]:
        match = _TAG.fullmatch(entry)
        if match is not None and (weight := float(match[2] or 1)) > 0:
            found.append((weight, match[1]))
    return [tag for _, tag in sorted(found, key=lambda pair: -pair[0])]
