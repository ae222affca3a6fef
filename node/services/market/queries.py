"""Views of markets for the query path, told in the first of `languages` (text[]) that there is."""

from typing import Final, LiteralString

from node.kernel.db.json_sql import hex_text, time_text
from node.kernel.db.keyset import Keyset
from node.kernel.db.words_sql import words_join

_ITEM: Final[LiteralString] = """
    json_build_object(
        'id', market.id,
        'slug', market.slug,
        'name', coalesce(words.title, market.name),
        'description', coalesce(words.description, market.description),
        'language', coalesce(words.language, market.language),
        'owner_account_id', market.owner_account_id,
        'payout_address', '0x' || encode(market.payout_address, 'hex'),
        'arbiter', '0x' || encode(market.arbiter, 'hex'),
        'policy', json_build_object(
            'ship_within_s', market.ship_within_s,
            'inspection_s', market.inspection_s,
            'ruling_s', market.ruling_s,
            'silence_seller_bps', market.silence_seller_bps
        ),
        'opened_at', to_char(market.opened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'changed_at', to_char(market.changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    )
"""

_FROM: Final[LiteralString] = f"""
    FROM market.market
    {words_join("market.translation", thing_id="market.id", own_language="market.language")}
"""

MARKET: Final[LiteralString] = f"SELECT {_ITEM} {_FROM} WHERE market.id = %(market_id)s"
MARKET_BY_SLUG: Final[LiteralString] = f"SELECT {_ITEM} {_FROM} WHERE market.slug = %(slug)s"

MARKETS: Final = Keyset(
    name="markets", item=_ITEM, source=f"{_FROM} WHERE true", key=(("market.id", "uuid"),)
)
MARKETS_OF_ACCOUNT: Final = Keyset(
    name="markets_of_account",
    item=_ITEM,
    source=f"{_FROM} WHERE market.owner_account_id = %(account_id)s",
    key=(("market.id", "uuid"),),
)
MEMBERS: Final = Keyset(
    name="members",
    item=f"""json_build_object(
        'account_id', member.account_id, 'role', member.role, 'since', {time_text("member.since")}
    )""",
    source="FROM market.member WHERE member.market_id = %(market_id)s",
    key=(("member.since", "timestamptz"), ("member.account_id", "uuid")),
    descending=False,
)

_INVITATION: Final[LiteralString] = f"""
    json_build_object(
        'id', invitation.id,
        'market_id', invitation.market_id,
        'market_name', (SELECT name FROM market.market WHERE market.id = invitation.market_id),
        'role', invitation.role,
        'phone', invitation.phone,
        'wallet', {hex_text("invitation.wallet")},
        'invited_at', {time_text("invitation.invited_at")},
        'expires_at', {time_text("invitation.expires_at")},
        'accepted_at', {time_text("invitation.accepted_at")},
        'accepted_by', invitation.accepted_by,
        'revoked_at', {time_text("invitation.revoked_at")}
    )
"""  # noqa: S608 - literals of the code
INVITATIONS_OF_MARKET: Final = Keyset(
    name="invitations_of_market",
    item=_INVITATION,
    source="FROM market.invitation WHERE invitation.market_id = %(market_id)s",
    key=(("invitation.id", "uuid"),),
)
INVITATIONS_TO_ACCOUNT: Final = Keyset(
    name="invitations_to_account",
    item=_INVITATION,
    source="""
        FROM market.invitation
        WHERE invitation.accepted_at IS NULL AND invitation.revoked_at IS NULL
            AND invitation.expires_at > %(now)s
            AND (
                invitation.phone IN (SELECT phone FROM identity.phone WHERE account_id = %(account_id)s)
                OR invitation.wallet IN (
                    SELECT address FROM identity.wallet WHERE account_id = %(account_id)s
                )
            )
    """,
    key=(("invitation.id", "uuid"),),
)
