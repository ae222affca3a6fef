"""The node over HTTP, with the patience of a good client.

A part of the node may be restarted at any moment. What was refused for now (503, 429) or got no answer is
sent again, with the same `Idempotency-Key`, until the patience is over; everything else is an answer.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

T = TypeVar("T")

PATIENCE_S = 90.0  # above the minute for which a crashed effect holds its key
PAUSE_S = 0.15
PAUSE_MAX_S = 2.0
TIMEOUT_S = 15.0

_AGAIN = frozenset({429, 502, 503, 504})
_BUSY = "idempotency_key_busy"


class Refusal(Exception):
    """An answer that is a problem (RFC 9457)."""

    def __init__(self, what: str, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{what}: {status} {problem.get('code')}: {problem.get('detail')}")
        self.status = status
        self.code = str(problem.get("code"))
        self.problem = problem


class Impatient(Exception):
    """It took too long."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    json: Any


class Node:
    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT_S, trust_env=False)

    def send(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        file: tuple[str, bytes, str] | None = None,
        token: str | None = None,
        key: str | None = None,
    ) -> Answer:
        """One request, as often as it takes. Signed-in POSTs carry a key, given or made up.

        Raises:
            Refusal: A problem that trying again would not mend.
            Impatient: Only silence and "not now" for `PATIENCE_S`.
        """
        headers = {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
            if method == "POST":
                headers["Idempotency-Key"] = key or str(uuid.uuid4())
        ends = time.monotonic() + PATIENCE_S
        while True:
            pause, reason = self._once(method, path, body, file, headers)
            if isinstance(pause, Answer):
                return pause
            if time.monotonic() + pause > ends:
                raise Impatient(f"{method} {path}: {reason}")
            time.sleep(pause)

    def _once(
        self,
        method: str,
        path: str,
        body: object,
        file: tuple[str, bytes, str] | None,
        headers: Mapping[str, str],
    ) -> tuple[Answer | float, str]:
        """The answer, or how long to wait before the next try and why."""
        files = None if file is None else {"file": file}
        try:
            answer = self._http.request(method, path, json=body, files=files, headers=headers)
        except httpx.TransportError as error:
            return PAUSE_S, type(error).__name__
        is_json = "json" in answer.headers.get("content-type", "")
        parsed = answer.json() if is_json and answer.content else None
        if answer.is_success or answer.status_code == httpx.codes.NOT_MODIFIED:
            return Answer(answer.status_code, answer.headers, answer.content, parsed), ""
        problem = parsed if isinstance(parsed, dict) else {}
        if answer.status_code in _AGAIN or problem.get("code") == _BUSY:
            wanted = answer.headers.get("retry-after", "")
            pause = float(wanted) if wanted.isdecimal() else PAUSE_S
            return min(pause, PAUSE_MAX_S), f"{answer.status_code} {problem.get('code')}"
        raise Refusal(f"{method} {path}", answer.status_code, problem)

    def get(self, path: str, *, token: str | None = None) -> Any:  # noqa: ANN401 - any JSON
        return self.send("GET", path, token=token).json

    def items(self, path: str, *, pages_max: int = 50) -> list[Any]:
        """A whole list, page by page."""
        items: list[Any] = []
        joint = "&" if "?" in path else "?"
        page = self.get(f"{path}{joint}limit=100")
        for _ in range(pages_max):
            items += page["items"]
            if not page["has_more"]:
                return items
            page = self.get(f"{path}{joint}limit=100&cursor={page['next']}")
        raise Impatient(f"{path}: more than {pages_max} pages")


def wait_for(what: str, look: Callable[[], T], good: Callable[[T], bool], *, within_s: float = 30.0) -> T:
    """Looks until it is good. What is not there yet (404) is looked for again."""
    ends = time.monotonic() + within_s
    while True:
        try:
            seen = look()
            if good(seen):
                return seen
            last = str(seen)
        except Refusal as refusal:
            if refusal.status != httpx.codes.NOT_FOUND:
                raise
            last = str(refusal)
        if time.monotonic() > ends:
            raise Impatient(f"{what} within {within_s:.0f} s; last seen: {last[:300]}")
        time.sleep(PAUSE_S)
