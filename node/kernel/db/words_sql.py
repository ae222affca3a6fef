"""The words that a reader is shown, chosen in the statement of the view itself. Takes `languages` (text[]).

Invariant: of all languages in which a thing is told, its market's own among them, the one that comes first in
`languages` is shown; without any of them the own one.
"""

from typing import Final, LiteralString

_LANGUAGES: Final[LiteralString] = "%(languages)s::text[]"


def words_join(
    table: LiteralString, *, thing_id: LiteralString, own_language: LiteralString
) -> LiteralString:
    """Joins at most one row, `words`, whose columns are NULL where the own words are to be shown."""
    return f"""
        LEFT JOIN LATERAL (
            SELECT translation.language, translation.title, translation.description
            FROM {table} AS translation
            WHERE translation.thing_id = {thing_id} AND translation.language = ANY({_LANGUAGES})
                AND coalesce(
                    array_position({_LANGUAGES}, translation.language)
                        < array_position({_LANGUAGES}, {own_language}),
                    true
                )
            ORDER BY array_position({_LANGUAGES}, translation.language) LIMIT 1
        ) AS words ON true
    """  # noqa: S608 - literals of the code
