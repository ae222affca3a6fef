"""Writes the page of settings from the code."""

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from node.kernel.settings import Settings

HEAD = """# Settings

Every setting is an environment variable. Written by `scripts/docs` from `node/kernel/settings.py`.

| variable | default | meaning |
|---|---|---|
"""


def settings_page() -> str:
    rows = [
        f"| `ASOUD_{name.upper()}` | {_default(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return HEAD + "\n".join(rows) + "\n"


def _default(value: object) -> str:
    if value is None or value is PydanticUndefined:
        return ""
    return f"`{value.get_secret_value() if isinstance(value, SecretStr) else value}`"
