"""One request to a gateway: what was certainly not done is told from what nobody knows."""

from collections.abc import Mapping

import httpx

from node.services.gateway.errors import GatewayAway, GatewayRefused


def asked(
    http: httpx.Client, method: str, path: str, body: Mapping[str, object] | None = None
) -> httpx.Response:
    """The answer, when it is 2xx or 404.

    Raises:
        GatewayAway: No answer, one of 5xx, or too many requests.
        GatewayRefused: Any other.
    """
    try:
        answer = http.request(method, path, json=body)
    except httpx.TransportError as error:
        raise GatewayAway(f"the gateway does not answer: {type(error).__name__}") from error
    if answer.is_success or answer.status_code == httpx.codes.NOT_FOUND:
        return answer
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error:
        raise GatewayAway(f"the gateway answered {answer.status_code}")
    raise GatewayRefused(f"the gateway answered {answer.status_code}")
