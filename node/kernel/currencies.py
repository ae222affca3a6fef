"""Currencies in use (ISO 4217) and their exponents: how many decimals the smallest unit has.

The table is ours and not CLDR's, which rounds some currencies as their people do in shops: money is booked by
the standard (the Iraqi dinar has 3 decimals there, though nobody has seen a fils for years).
"""

from collections.abc import Mapping
from typing import Final

from node.kernel.errors import Bug
from node.kernel.money import Asset

_USUAL = 2
_UNUSUAL = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
}
_CODES = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN
    BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR
    FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD
    JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD
    MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP
    PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC
    SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST
    XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
EXPONENTS: Final[Mapping[str, int]] = dict.fromkeys(_CODES.split(), _USUAL) | {
    code: exponent for exponent, codes in _UNUSUAL.items() for code in codes.split()
}


def fiat_asset(code: str) -> Asset:
    """The asset of a currency of `EXPONENTS`."""
    if code not in EXPONENTS:
        raise Bug("not a currency of ISO 4217", code=code)
    return Asset(f"iso4217:{code}", code, EXPONENTS[code])
