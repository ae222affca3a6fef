"""An authenticator app, and accounts that have one."""

from dataclasses import dataclass

import httpx
import pyotp

from tests.edge import Edge

STEP_S = 30


@dataclass
class App:
    """Shows what an authenticator app shows at the clock of the edge."""

    edge: Edge
    secret: str
    recovery_codes: list[str]

    def code(self, *, steps: int = 0) -> str:
        return pyotp.TOTP(self.secret).at(self.edge.clock.now(), counter_offset=steps)

    async def step_up(self, caller: dict[str, str], code: str | None = None) -> httpx.Response:
        body = {"code": code or self.code()}
        return await self.edge.client.post("/v1/me/step-up/totp", json=body, headers=caller)


async def with_totp(edge: Edge, caller: dict[str, str], *, stepped_up: bool = True) -> App:
    """The account gets an authenticator app; the clock moves on by a code or two."""
    answer = await edge.client.post("/v1/me/totp", headers=caller)
    assert answer.status_code == 201, answer.text
    app = App(edge, answer.json()["secret"], [])
    body = {"code": app.code()}
    answer = await edge.client.post("/v1/me/totp/confirm", json=body, headers=caller)
    assert answer.status_code == 200, answer.text
    app.recovery_codes = answer.json()["recovery_codes"]
    if stepped_up:
        answer = await app.step_up(caller, app.code(steps=1))
        assert answer.status_code == 200, answer.text
    return app
