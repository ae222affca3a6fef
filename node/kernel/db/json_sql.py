"""Pieces of SQL that write our JSON on the query path: one spelling of addresses, times and numbers.

Each takes an expression and gives one. Expressions are literals of the code, never input.
"""

from typing import LiteralString


def hex_text(expression: LiteralString) -> LiteralString:
    """Of bytea: `0x` and lower-case hex; NULL stays NULL."""
    return f"('0x' || encode({expression}, 'hex'))"


def address_or_null(expression: LiteralString) -> LiteralString:
    """The zero address, which contracts use for "nobody", as null."""
    return f"nullif('0x' || encode({expression}, 'hex'), '0x0000000000000000000000000000000000000000')"


def time_text(expression: LiteralString) -> LiteralString:
    """Of timestamptz: RFC 3339 in UTC."""
    return f"""to_char({expression} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


def seconds_text(expression: LiteralString) -> LiteralString:
    """Of seconds since 1970, as contracts count time."""
    return time_text(f"to_timestamp({expression})")
