"""``[sinks.<name>]``: systems that are told over HTTP."""

import difflib
import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from gateway.config.forms import Table, network
from gateway.config.measures import Duration
from gateway.contract.sinks.request import Template
from gateway.contract.sinks.table import TEMPLATES
from gateway.line.sinks import SinkMessage
from gateway.transport.http_requests import split_address

if TYPE_CHECKING:
    TemplateName = str
else:
    TemplateName = Literal[tuple(TEMPLATES)]
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def address(url: str) -> str:
    """Return an address as it is; raises ValueError where it is none that requests go to."""
    split_address(url)
    return url


Address = Annotated[str, AfterValidator(address)]


def is_on_this_machine(url: str) -> bool:
    """Return whether an address is written as one of this machine."""
    return split_address(url)[1] in _LOOPBACK


def _message(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


class RequestsTable(Table):
    """What requests to a system need, whichever they are; its secrets are credentials."""

    url: Address = Field(
        description="the address that all requests go to or below, such as https://mes.example.com/api"
    )
    ca_certificate: Path | None = Field(
        default=None, description="the certificate (PEM) of the authority that signed the system's"
    )
    certificate: Path | None = Field(
        default=None,
        description="this client's certificate (PEM); its private key is a credential ending with _key.pem",
    )
    networks: list[Annotated[str, AfterValidator(network)]] = Field(
        default=[], max_length=16, description="addresses or networks that the host's name may lead to; without it any"
    )
    user: str | None = Field(default=None, description="who signs in, with a password that is a credential")
    api_key_header: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$",
        description="the header for the key that is a credential ending with _api_key, such as X-Api-Key",
    )
    token_url: Address | None = Field(
        default=None,
        description="where the system gives access tokens (OAuth 2.0) for the credentials that end with _client_id and "
        "_client_secret",
    )
    scope: str | None = Field(default=None, max_length=200, description="of what the access tokens are")
    timeout: Duration = Field(default=10.0, ge=1, le=25, description='how long an answer may take, such as "10s"')

    @property
    def allowed_networks(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """Return the networks that the host's name may lead to."""
        return tuple(ipaddress.ip_network(text) for text in self.networks)

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        plain = self.url.startswith("http://")
        if plain and (self.ca_certificate is not None or self.certificate is not None):
            raise ValueError("url begins with http://, so certificates protect nothing: use https://")
        return self


class SinkTable(RequestsTable):
    """``[sinks.<name>]``: a system that is told over HTTP."""

    template: TemplateName = Field(default="generic", description=f"the form of requests: {', '.join(TEMPLATES)}")
    messages: list[Annotated[SinkMessage, BeforeValidator(_message)]] = Field(
        min_length=1, description=f"what it is told of: {', '.join(SinkMessage)}"
    )
    calls_per_minute: int | None = Field(
        default=None, ge=1, le=6000, description="how many requests a minute it takes; without it what the form says"
    )
    give_up_after: Duration = Field(
        default=3 * 86400.0, ge=60, description='how long a delivery is tried before a person must look, such as "3d"'
    )
    options: dict[str, str | int] = Field(default_factory=dict, description="what the form needs to know")

    @property
    def form(self) -> Template:
        """Return the template."""
        return TEMPLATES[self.template]

    @model_validator(mode="after")
    def _fits_template(self) -> Self:
        form = self.form
        wrong = sorted(message.value for message in self.messages if message not in form.messages)
        if wrong:
            usable = ", ".join(sorted(form.messages))
            raise ValueError(f"messages has {', '.join(wrong)}, which {form.name} is not told of; it is: {usable}")
        for name in self.options:
            if not any(_is_meant(name, option) for option in form.options):
                near = difflib.get_close_matches(name, form.options, n=1)
                hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(form.options) or 'none'}"
                raise ValueError(f"options.{name} is no option of {form.name}; {hint}")
        missing = [name for name, option in form.options.items() if option.required and name not in self.options]
        if missing:
            raise ValueError(f"options.{missing[0]} is missing: {form.options[missing[0]].description}")
        return self


def _is_meant(name: str, option: str) -> bool:
    return name == option or (option.endswith("*") and name.startswith(option[:-1]) and len(name) >= len(option))
