"""The gateways that the operator named, and which of them suit a payment."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from node.kernel.errors import Bug
from node.services.gateway import providers
from node.services.gateway.errors import GatewayUnknown
from node.services.gateway.provider import Options, Provider


@dataclass(frozen=True, slots=True)
class Method:
    """A gateway and where it works; None is everywhere, or everything."""

    name: str
    provider: Provider
    countries: frozenset[str] | None
    currencies: frozenset[str] | None

    def suits(self, country: str | None, currency: str) -> bool:
        is_there = country is None or self.countries is None or country in self.countries
        return is_there and (self.currencies is None or currency in self.currencies)


class Gateways:
    def __init__(self, methods: Sequence[Method]) -> None:
        self._methods: Mapping[str, Method] = {method.name: method for method in methods}

    def suiting(self, *, country: str | None, currency: str) -> list[str]:
        """Names, in the order of the operator's preference."""
        return [name for name, method in self._methods.items() if method.suits(country, currency)]

    def chosen(self, name: str | None, *, currency: str) -> str:
        """The named one, or the first that takes the currency. Raises GatewayUnknown."""
        suiting = self.suiting(country=None, currency=currency)
        if not suiting or (name is not None and name not in suiting):
            raise GatewayUnknown("no such gateway takes that currency here", currency=currency)
        return name or suiting[0]

    def __iter__(self) -> Iterator[Method]:
        return iter(self._methods.values())

    def provider(self, name: str) -> Provider:
        """Raises GatewayUnknown."""
        method = self._methods.get(name)
        if method is None:
            raise GatewayUnknown("there is no such gateway here")
        return method.provider


def open_gateways(names: Sequence[str], options: Options) -> Gateways:
    """Raises Bug for a name that has no file."""
    known = {module.name for module in pkgutil.iter_modules(providers.__path__)}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Bug("there is no such gateway", unknown=", ".join(unknown), known=", ".join(sorted(known)))
    methods = []
    for name in names:
        module = importlib.import_module(f"{providers.__name__}.{name}")
        provider: Provider = module.open_provider(options)
        countries, currencies = options.listed(f"{name}.countries"), options.listed(f"{name}.currencies")
        methods.append(Method(name, provider, countries, currencies))
    return Gateways(methods)
