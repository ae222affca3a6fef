"""A phone that signs in, and what is said about it."""

import json
import re
import uuid
from pathlib import Path

import httpx

from api.v1.phone import ChallengeOut
from api.v1.session import SignedInOut
from tests.edge import Edge

PHONE = "+905551112233"


class Handset:
    """A phone: what was sent to it, as the worker would send it."""

    def __init__(self, edge: Edge, data_dir: Path, number: str = PHONE) -> None:
        self.edge = edge
        self.number = number
        self._outbox = data_dir / "outbox" / "sms.jsonl"

    async def ask(self, path: str = "/v1/auth/phone/challenges", **headers: str) -> httpx.Response:
        return await self.edge.client.post(path, json={"phone": self.number}, headers=headers)

    async def challenge(self, path: str = "/v1/auth/phone/challenges", **headers: str) -> str:
        answer = await self.ask(path, **headers)
        assert answer.status_code == 201, answer.text
        return str(ChallengeOut.model_validate_json(answer.content).challenge)

    def receive(self, challenge: str) -> str:
        """The code, after it was sent."""
        services = self.edge.services
        services.phones.deliver(services.database.transaction, uuid.UUID(challenge))
        return self.codes()[-1]

    def codes(self) -> list[str]:
        if not self._outbox.exists():
            return []
        lines = [json.loads(line) for line in self._outbox.read_text(encoding="utf-8").splitlines()]
        found = [re.search(r": ([0-9]{6})\.", line["text"]) for line in lines if line["to"] == self.number]
        return [match.group(1) for match in found if match]

    async def sign_in(self) -> SignedInOut:
        challenge = await self.challenge()
        answer = await say(self.edge, challenge, self.receive(challenge))
        assert answer.status_code == 200, answer.text
        return SignedInOut.model_validate_json(answer.content)


async def say(
    edge: Edge, challenge: str, code: str, path: str = "/v1/auth/phone", **headers: str
) -> httpx.Response:
    body = {"challenge": challenge, "code": code}
    return await edge.client.post(path, json=body, headers=headers)


def outcome(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def bearer(session: SignedInOut) -> dict[str, str]:
    return {"Authorization": f"Bearer {session.access_token}"}
