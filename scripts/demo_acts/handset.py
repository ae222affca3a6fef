"""Somebody with a phone: reads what the development carrier wrote, where a handset would show it."""

import json
import re
import secrets
from pathlib import Path
from typing import Any

from scripts.demo_acts.node import Impatient, Node, Refusal, wait_for

SIGN_IN_TRIES = 5
_CODE = re.compile(r"#([0-9]{6})$")


class Handset:
    def __init__(self, node: Node, outbox: Path) -> None:
        self.node = node
        self.number = f"+90555{secrets.randbelow(10**7):07}"
        self._outbox = outbox

    def challenge(self) -> str:
        answer = self.node.send("POST", "/v1/auth/phone/challenges", body={"phone": self.number})
        return str(answer.json["challenge"])

    def say(self, challenge: str, code: str) -> dict[str, Any]:
        body = {"challenge": challenge, "code": code}
        answer: dict[str, Any] = self.node.send("POST", "/v1/auth/phone", body=body).json
        return answer

    def codes(self) -> list[str]:
        if not self._outbox.exists():
            return []
        sent = [json.loads(line) for line in self._outbox.read_text(encoding="utf-8").splitlines()]
        found = [_CODE.search(message["text"]) for message in sent if message["to"] == self.number]
        return [match[1] for match in found if match]

    def receive(self, *, before: int) -> str:
        """The newest code, as soon as there are more than `before`."""
        return wait_for("a text message", self.codes, lambda seen: len(seen) > before)[-1]

    def sign_in(self) -> tuple[str, str, dict[str, Any]]:
        """The challenge, its code and the session. An attempt whose answer was lost may have used a code."""
        for _ in range(SIGN_IN_TRIES):
            before = len(self.codes())
            challenge = self.challenge()
            code = self.receive(before=before)
            try:
                return challenge, code, self.say(challenge, code)
            except Refusal as refusal:
                if refusal.code not in ("code_used", "code_wrong"):
                    raise
        raise Impatient("the phone could not sign in")
