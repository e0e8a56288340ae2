"""The address at which the page is served: `HOST:PORT`."""

import ipaddress
import re
from typing import NamedTuple

__all__ = ["DEFAULT_ADDRESS", "PageAddress", "parse_page_address"]

DEFAULT_ADDRESS = "127.0.0.1:8321"

_ADDRESS = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\s:\[\]/]+):(?P<port>\d{1,5})")


class PageAddress(NamedTuple):
    host: str
    """A name or an IP address, an IPv6 one without brackets."""
    port: int
    """0: any that is free."""

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_page_address(text: str) -> PageAddress:
    """
    Raises:
        ValueError: what is expected.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match["port"]) > 65_535:
        raise ValueError(f"an address HOST:PORT such as {DEFAULT_ADDRESS}")
    return PageAddress(match["host"].strip("[]"), int(match["port"]))
