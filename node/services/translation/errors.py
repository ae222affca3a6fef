"""Why a command on a translation was refused."""

from node.kernel.errors import Conflict, NotFound


class TranslationUnknown(NotFound):
    """There are no words in that language."""


class LanguageIsOwn(Conflict):
    """The language is the market's own: the market or product itself holds those words."""


class TooManyTranslations(Conflict):
    """It is told in as many languages as it may be."""
