"""Who gets in: an admin or operator of the node, with an access token and a second proof that holds now.

Invariant: nothing is kept but the token, in a signed cookie; each request asks anew whether the session is
open, the account not frozen, the role granted and the second proof fresh. To sign out, or to lose the role,
ends it.
"""

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette_admin.auth import AdminUser, AuthProvider
from starlette_admin.exceptions import LoginFailed
from typing_extensions import override

from api.permissions import SURFACE
from node.kernel.errors import Refused
from node.services.container import Services
from node.services.identity.errors import AccountFrozen, RoleNeeded
from node.services.identity.tokens import Principal

TOKEN = "token"  # noqa: S105 - its name in the cookie's session


class Operators(AuthProvider):
    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services

    @override
    async def login(
        self,
        username: str,
        password: str,
        remember_me: bool,
        request: Request,
    ) -> Response | None:
        """The form's password is an access token of the API; what stands as the name is not looked at."""
        try:
            await self.admitted(password.strip())
        except Refused as error:
            raise LoginFailed(error.message) from error
        request.session[TOKEN] = password.strip()
        return None

    @override
    async def logout(self, request: Request) -> Response | None:
        request.session.clear()
        return None

    @override
    async def authenticate(self, request: Request) -> AdminUser | None:
        try:
            principal = await self.admitted(str(request.session.get(TOKEN, "")))
        except Refused:
            request.session.clear()
            return None
        request.state.principal = principal
        return AdminUser(username=str(principal.account_id))

    async def admitted(self, token: str) -> Principal:
        """Raises what the token, the account, the role or the second proof lacks."""
        return await anyio.to_thread.run_sync(self._admitted, token)

    def _admitted(self, token: str) -> Principal:
        principal = self._services.sessions.principal(token)
        with self._services.database.transaction() as tx:
            roles, is_frozen = self._services.roles.of(tx, principal.account_id)
            if is_frozen:
                raise AccountFrozen("the account is frozen; ask another operator")
            if not roles & SURFACE:
                raise RoleNeeded("this is for admins and operators", needs="admin or operator")
            self._services.step_up.require(tx, principal)
        return principal
