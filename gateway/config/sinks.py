"""From ``[sinks.<name>]`` to what the line tells whom and how it is sent; from ``[mes.pull]`` to where it fetches."""

import base64
import ssl
from collections.abc import Mapping

from gateway.config.credentials import credential, credential_path
from gateway.config.sink_tables import RequestsTable, SinkTable
from gateway.config.tables import Settings
from gateway.contract.mes_pull import PullRule
from gateway.errors import ConfigurationError, Problem
from gateway.ingest.mes_pull import PullSource
from gateway.line.sinks import Sink
from gateway.publish.delivering import SinkTarget
from gateway.transport.access_tokens import AccessTokens
from gateway.transport.http_requests import Endpoint, split_address

_SHORTEST_HMAC = 16


def sinks_of(settings: Settings) -> tuple[Sink, ...]:
    """Return which systems are told of what."""
    return tuple(
        Sink(
            name=name,
            template=table.template,
            messages=frozenset(table.messages),
            options={option: str(value) for option, value in table.options.items()},
        )
        for name, table in settings.sinks.items()
    )


def sink_targets(settings: Settings) -> tuple[SinkTarget, ...]:
    """Return how each system is told; raises ConfigurationError where a credential or certificate cannot be used."""
    return tuple(_target(name, table) for name, table in settings.sinks.items())


def _target(name: str, table: SinkTable) -> SinkTarget:
    key, prefix = f"sinks.{name}", f"sink_{name}"
    missing = [part for part in sorted(table.form.needs_credentials) if _secret(prefix, part) is None]
    if missing:
        raise _wrong(
            f"{key}.template", f"needs credential {prefix}_{missing[0]}", "put the key that the system has given"
        )
    signing = _secret(prefix, "hmac")
    if signing is not None and len(signing) < _SHORTEST_HMAC:
        message = f"credential {prefix}_hmac has {len(signing)} characters, fewer than {_SHORTEST_HMAC}"
        raise _wrong(key, message, "put a long random text (openssl rand -hex 32) into it")
    plain = {header: str(table.options[option]) for header, option in table.form.plain_headers.items()
             if option in table.options}  # fmt: skip
    endpoint = endpoint_of(table, key=key, prefix=prefix, secret_headers=table.form.secret_headers, plain_headers=plain)
    return SinkTarget(
        name=name,
        endpoint=endpoint,
        template=table.form,
        calls_per_minute=table.calls_per_minute or table.form.calls_per_minute,
        give_up_seconds=table.give_up_after,
        signing_key=None if signing is None else signing.encode(),
    )


def pull_source(settings: Settings) -> PullSource | None:
    """Return where orders and lots are fetched, None where nowhere; raises ConfigurationError."""
    table = settings.mes.pull
    if table is None:
        return None
    return PullSource(
        endpoint=endpoint_of(table, key="mes.pull", prefix="mes_pull", secret_headers={}, plain_headers={}),
        path=table.path,
        interval_seconds=table.interval,
        look_back_seconds=table.look_back,
        items=table.items,
        rules=tuple(
            PullRule(
                event=rule.event,
                at=rule.at,
                fields=rule.fields,
                constants=rule.constants,
                when={path: tuple(values) for path, values in rule.when.items()},
            )
            for rule in table.rule
        ),
    )


def endpoint_of(
    table: RequestsTable,
    *,
    key: str,
    prefix: str,
    secret_headers: Mapping[str, str],
    plain_headers: Mapping[str, str],
) -> Endpoint:
    """Return where requests go and how they sign in; raises ConfigurationError. ``prefix``: of credentials' names."""
    scheme, host, port, base = split_address(table.url)
    secrets = {part: _secret(prefix, part) for part in ("token", "password", "api_key", "api_secret", "hmac")}
    headers = dict(plain_headers)
    headers |= {header: secrets[part] or "" for header, part in secret_headers.items() if secrets[part]}
    if table.api_key_header is not None:
        if secrets["api_key"] is None:
            raise _wrong(f"{key}.api_key_header", f"needs credential {prefix}_api_key", "put the key into it")
        headers[table.api_key_header] = secrets["api_key"]
    if table.user is not None:
        if secrets["password"] is None:
            raise _wrong(f"{key}.user", f"needs credential {prefix}_password", "put the password into it")
        pair = base64.b64encode(f"{table.user}:{secrets['password']}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    elif secrets["token"] is not None:
        headers["Authorization"] = f"Bearer {secrets['token']}"
    _check_headers(headers, key=key)
    return Endpoint(
        scheme=scheme,
        host=host,
        port=port,
        base=base,
        timeout_seconds=table.timeout,
        networks=table.allowed_networks,
        tls=_context(table, key=key, prefix=prefix) if scheme == "https" else None,
        headers=headers,
        secrets=tuple(secret for secret in (*secrets.values(), _secret(prefix, "client_secret")) if secret),
        tokens=_tokens(table, key=key, prefix=prefix),
    )


def _tokens(table: RequestsTable, *, key: str, prefix: str) -> AccessTokens | None:
    """Return what asks for access tokens, None where none are needed."""
    if table.token_url is None:
        return None
    client_id, client_secret = _secret(prefix, "client_id"), _secret(prefix, "client_secret")
    if client_id is None or client_secret is None:
        missing = _named(prefix, "client_id" if client_id is None else "client_secret")
        raise _wrong(f"{key}.token_url", f"needs credential {missing}", "put what the system has given into it")
    scheme, host, port, base = split_address(table.token_url)
    endpoint = Endpoint(
        scheme=scheme,
        host=host,
        port=port,
        base=base,
        timeout_seconds=table.timeout,
        networks=table.allowed_networks,
        tls=_context(table, key=key, prefix=prefix) if scheme == "https" else None,
    )
    return AccessTokens(endpoint, client_id=client_id, client_secret=client_secret, scope=table.scope)


def _secret(prefix: str, part: str) -> str | None:
    """Return a credential of a sink; ``known_credentials`` lists them all."""
    return credential(_named(prefix, part))


def _named(prefix: str, part: str) -> str:
    return f"{prefix}_{part}"


def _check_headers(headers: Mapping[str, str], *, key: str) -> None:
    for header, value in headers.items():
        if not value.isascii() or not value.isprintable():
            raise _wrong(key, f"{header} would have characters that no header has", "look at the credential's file")


def _context(table: RequestsTable, *, key: str, prefix: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=table.ca_certificate)
        if table.certificate is not None:
            context.load_cert_chain(table.certificate, credential_path(_named(prefix, "key.pem")))
    except (OSError, ssl.SSLError) as error:
        hint = f"name PEM files that this user may read; the key is credential {prefix}_key.pem"
        raise _wrong(f"{key}.certificate", f"the certificates cannot be used: {error}", hint) from error
    return context


def _wrong(key: str, message: str, hint: str) -> ConfigurationError:
    return ConfigurationError((Problem(file="configuration", key=key, message=message, hint=hint),))
