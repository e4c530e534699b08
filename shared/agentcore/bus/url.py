"""AGENTCORE_BUS_URL, taken apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from agentcore.errors import Misconfigured
from agentcore.settings import Settings
from agentcore.urls import masked

SETTING = "AGENTCORE_BUS_URL"


@dataclass(frozen=True, kw_only=True)
class BusUrl:
    scheme: str
    hosts: str  # host, host:port, or several with commas
    path: tuple[str, ...]
    options: Mapping[str, str]
    username: str
    password: str = field(repr=False)
    shown: str  # without its secrets

    def only(self, *names: str) -> None:
        """Raises Misconfigured for an option that the bus does not know."""
        if unknown := sorted(set(self.options) - set(names)):
            known = f"It knows {', '.join(names)}." if names else "It knows none."
            raise misconfigured(self, f"{self.scheme}:// has no option {unknown[0]!r}. {known}")


def parse(url: str, settings: Settings, form: str, *parts: int) -> BusUrl:
    """The URL's parts, with the credentials of the settings where it has none.

    Raises Misconfigured, showing `form`, unless it names a host and as many parts of a path as one of `parts`.
    """
    split = _split(url, form)
    user, _, hosts = split.netloc.rpartition("@")
    name, _, password = user.partition(":")
    path = tuple(unquote(part) for part in split.path.split("/") if part)
    found = BusUrl(
        scheme=split.scheme, hosts=hosts, path=path, options=dict(parse_qsl(split.query)),
        username=unquote(name) or settings.bus_username, password=unquote(password) or settings.bus_password,
        shown=masked(url),
    )  # fmt: skip
    if not hosts or len(path) not in parts:
        raise misconfigured(found, f"it must look like {form}")
    return found


def _split(url: str, form: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise Misconfigured(f"{SETTING}: it must look like {form} ({error})", setting=SETTING) from None


def misconfigured(url: BusUrl, what: str) -> Misconfigured:
    """An error that names the setting and says what to do."""
    return Misconfigured(f"{SETTING}={url.shown}: {what}", setting=SETTING)


def refused(url: BusUrl, what: str, error: object) -> Misconfigured:
    """The same for credentials that were not taken."""
    return misconfigured(url, f"access was refused. {what} ({error})")
