"""From which address a request comes: rates and wrong passwords are counted by it.

It is that of the connection. ``X-Forwarded-For`` counts only where a proxy has sent it that the plant trusts, and then
from its end on: what is before the first address that is no trusted proxy may be written by anybody.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.requests import Request

FORWARDED = "x-forwarded-for"
_MOST_PROXIES = 8
_OF_ONE_SITE = 64  # bits of an IPv6 address: whoever has a network of it has all the others


class Origins:
    """Tells from where requests come."""

    def __init__(self, trusted: Iterable[str]) -> None:
        """``trusted``: addresses or networks of proxies."""
        self._trusted: tuple[IPv4Network | IPv6Network, ...] = tuple(ip_network(proxy) for proxy in trusted)

    def of(self, request: Request) -> str:
        """Return the address, of IPv6 its network; empty where the connection has none."""
        address = None if request.client is None else _address(request.client.host)
        named = ",".join(request.headers.getlist(FORWARDED)).split(",") if self._trusted else []
        for name in reversed(named[-_MOST_PROXIES:]):
            if address is None or not self._is_proxy(address):
                break
            before = _address(name)
            if before is None:  # the proxy has named nobody: it is counted itself
                break
            address = before
        return _counted(address)

    def _is_proxy(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._trusted)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _counted(address: IPv4Address | IPv6Address | None) -> str:
    if address is None:
        return ""
    if isinstance(address, IPv4Address) or address.is_loopback:
        return str(address)
    return str(ip_network((address.packed, _OF_ONE_SITE), strict=False))
