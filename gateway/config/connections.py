"""From the configuration's tables to the options of each connection."""

import ssl
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from gateway.config.all_at_once import AllAtOnce
from gateway.config.checks import KeyProblem
from gateway.config.connection_tables import ConsoleTable, LimsTable, WebhookTable
from gateway.config.credentials import credential, credential_path
from gateway.config.tables import OF_CONSOLE, Settings
from gateway.contract.lims.json_paths import PathMapping
from gateway.contract.lims.lab_results import LimsInterface
from gateway.contract.lims.mapping import ResultMapping, mapping_by_paths, mapping_named
from gateway.errors import ConfigurationError, Problem
from gateway.transport.console_options import ConsoleOptions
from gateway.transport.monitoring_options import MonitoringOptions
from gateway.transport.mqtt_options import BrokerAddress
from gateway.transport.opcua_source import REJECTED_FOLDER, OpcUaSource, Security
from gateway.transport.webhook_options import WebhookOptions

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

_SHORTEST_SECRET = 16  # characters

_RANDOM_TEXT = "put a long random text (openssl rand -hex 32)"


def opcua_sources(settings: Settings) -> tuple[OpcUaSource, ...]:
    """Return the servers with the tags to take from each; raises ConfigurationError with the problems of them all."""
    parts = AllAtOnce()
    sources = [parts.part(partial(_source, name, settings)) for name in settings.opcua]
    return tuple(parts.done(source) for source in sources)


def _source(name: str, settings: Settings) -> OpcUaSource:
    table = settings.opcua[name]
    tags = {tag: item for tag, item in settings.tags.items() if item.source == name}
    return OpcUaSource(
        name=name,
        url=table.url,
        nodes={tag: item.node for tag, item in tags.items()},
        publishing_interval_ms=table.publishing_interval * 1000,
        sampling_interval_ms=table.sampling_interval * 1000,
        security=None if table.security == "None" else _security(name, settings),
        username=table.username,
        password=password_of(table.username, key=f"opcua.{name}.username", name=f"opcua_{name}_password"),
        user_certificate=table.user_certificate,
        user_key=_user_key(name, settings),
        time_of=table.time,
        indexes={tag: item.index for tag, item in tags.items() if item.index is not None},
    )


def _security(name: str, settings: Settings) -> Security:
    """Return the security of a server's connection; raises ConfigurationError if a file is missing."""
    table = settings.opcua[name]
    key = credential_path(f"opcua_{name}_key.pem")
    if key is None:
        problem = Problem(
            file="credentials",
            key=f"opcua_{name}_key.pem",
            message=f"is missing, but opcua.{name}.security needs the private key",
            hint=_hint_of_credential(f"opcua_{name}_key.pem"),
        )
        raise ConfigurationError((problem,))
    certificate, server_certificate = table.certificate, table.server_certificate
    if certificate is None or not certificate.is_file():
        raise _unreadable(f"opcua.{name}.certificate", certificate)
    if server_certificate is None or not server_certificate.exists():
        raise _unreadable(f"opcua.{name}.server_certificate", server_certificate)
    policy, mode = table.security.split("/")
    return Security(
        policy=policy,
        mode=mode,
        certificate=certificate,
        private_key=key,
        server_certificate=server_certificate,
        rejected=settings.store.directory / REJECTED_FOLDER,
    )


def _user_key(name: str, settings: Settings) -> Path | None:
    """Return the key of the certificate that logs in; raises ConfigurationError where it cannot do that."""
    table = settings.opcua[name]
    if table.user_certificate is None:
        return None
    key, problem = credential_path(f"opcua_{name}_user_key.pem"), None
    if not table.user_certificate.is_file():
        raise _unreadable(f"opcua.{name}.user_certificate", table.user_certificate)
    if table.username is not None:
        problem = ("user_certificate", "stands beside username: one of them logs in", "leave one of them out")
    elif table.security == "None":
        problem = ("user_certificate", "needs a secured connection", "set security to what the server offers")
    elif key is None:
        hint = _hint_of_credential(f"opcua_{name}_user_key.pem")
        problem = ("user_certificate", f"has no key: credential opcua_{name}_user_key.pem is missing", hint)
    if problem is not None:
        what, message, hint = problem
        raise ConfigurationError(
            (Problem(file="configuration", key=f"opcua.{name}.{what}", message=message, hint=hint),)
        )
    return key


def password_of(user: str | None, *, key: str, name: str) -> str | None:
    """Return a user's password; raises ConfigurationError if a user is named and the credential is missing.

    For a user without a password the credential is an empty file.
    """
    password = credential(name)
    if user is not None and password is None:
        problem = Problem(
            file="credentials", key=name, message=f"is missing, but {key} is {user!r}",
            hint=_hint_of_credential(name),
        )  # fmt: skip
        raise ConfigurationError((problem,))
    return password


def broker_address(settings: Settings) -> BrokerAddress:
    """Return the broker's address, user and TLS; raises ConfigurationError if a certificate cannot be read."""
    mqtt = settings.mqtt
    password = password_of(mqtt.username, key="mqtt.username", name="mqtt_password")
    context = None
    if mqtt.tls:
        try:
            context = ssl.create_default_context(cafile=mqtt.ca_certificate)
            if mqtt.certificate is not None:
                context.load_cert_chain(mqtt.certificate, credential_path("mqtt_key.pem"))
        except OSError as error:  # ssl.SSLError is one
            problem = Problem(
                file=str(mqtt.ca_certificate or mqtt.certificate or "system certificates"),
                key="mqtt.tls",
                message=f"the certificates cannot be used: {error}",
                hint="name PEM files that this user may read; tls = false only on a test bench",
            )
            raise ConfigurationError((problem,)) from error
    return BrokerAddress(
        host=mqtt.host,
        port=mqtt.port,
        version_5=mqtt.protocol == "5",
        username=mqtt.username,
        password=password,
        tls=context,
        websocket_path=mqtt.websocket_path,
    )


def result_mapping(lims: LimsTable) -> ResultMapping:
    """Return how the laboratory names things."""
    if isinstance(lims.mapping, str):
        return replace(mapping_named(lims.mapping), source=lims.source)
    table = lims.mapping
    statuses = {theirs: status.value for theirs, status in table.statuses.items()}
    mapping = mapping_by_paths(PathMapping(paths=table.paths, items=table.items, statuses=statuses))
    return replace(mapping, source=lims.source)


def lims_interface(lims: LimsTable, analytes: Mapping[str, str]) -> LimsInterface:
    """Return how the laboratory's messages are read; ``analytes``: its test names to ours."""
    return LimsInterface(
        source=lims.source,
        analytes=analytes,
        assume_status=lims.assume_status,
        mapping=result_mapping(lims),
        decimal_comma=lims.decimal_comma,
        ignore=lims.ignore,
    )


def webhook_options(settings: Settings) -> WebhookOptions | None:
    """Return how results are taken over HTTP, or None if they are not; raises ConfigurationError."""
    table = settings.webhook
    if table.port is None:
        return None
    token, key = credential("lims_webhook_token"), credential_path("lims_webhook_key.pem")
    problems = [*_webhook_secret_problems(token), *_webhook_certificate_problems(table, key)]
    if problems or token is None:
        raise ConfigurationError(
            tuple(Problem(file="configuration", key=key, message=message, hint=hint) for key, message, hint in problems)
        )
    return WebhookOptions(
        host=table.host,
        port=table.port,
        token=token,
        hmac_secret=credential("lims_webhook_hmac"),
        certificate=table.certificate,
        key=key if table.certificate is not None else None,
    )


def _webhook_secret_problems(token: str | None) -> list[KeyProblem]:
    problems = []
    if not token:
        message = "needs a token for the senders"
        problems.append(("webhook.port", message, f"{_RANDOM_TEXT} into credential lims_webhook_token"))
    secrets = {"lims_webhook_token": token or None, "lims_webhook_hmac": credential("lims_webhook_hmac")}
    for name, secret in secrets.items():
        if secret is not None and len(secret) < _SHORTEST_SECRET:
            message = f"credential {name} has {len(secret)} characters, fewer than {_SHORTEST_SECRET}"
            problems.append(("webhook.port", message, f"{_RANDOM_TEXT} into it"))
    return problems


def _webhook_certificate_problems(table: WebhookTable, key: Path | None) -> list[KeyProblem]:
    if table.certificate is None:
        if table.host in _LOOPBACK:
            return []
        message = f"{table.host} can be reached from outside, so it needs TLS"
        return [("webhook.host", message, "set webhook.certificate, or listen on 127.0.0.1")]
    return _certificate_problems("webhook.certificate", table.certificate, key, credential_name="lims_webhook_key.pem")


def _certificate_problems(
    setting: str, certificate: Path, key: Path | None, *, credential_name: str
) -> list[KeyProblem]:
    """Return why a certificate cannot be shown to clients."""
    if key is None:
        return [(setting, "has no private key", f"put the certificate's private key into credential {credential_name}")]
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        hint = f"name a PEM file whose private key is credential {credential_name}"
        return [(setting, f"cannot be used: {error}", hint)]
    return []


def console_options(settings: Settings) -> ConsoleOptions | None:
    """Return where the console is served, or None if it is not; raises ConfigurationError."""
    table = settings.console
    if table is None:
        return None
    host, port = table.host_and_port
    key = credential_path(OF_CONSOLE)
    problems = _console_problems(table, host, key)
    if problems:
        raise ConfigurationError(
            tuple(Problem(file="configuration", key=key, message=message, hint=hint) for key, message, hint in problems)
        )
    return ConsoleOptions(
        host=host,
        port=port,
        certificate=table.tls_certificate,
        key=key if table.tls_certificate is not None else None,
        idle_seconds=table.session_minutes * 60,
        longest_seconds=table.session_hours * 3600,
        demo_link_sha256=table.demo_link_sha256,
        trusted_proxies=tuple(table.trusted_proxies),
    )


def monitoring_options(settings: Settings) -> MonitoringOptions | None:
    """Return where monitoring is answered, or None if it is not; raises ConfigurationError."""
    table = settings.monitoring
    if table is None:
        return None
    host, port = table.host_and_port
    token = credential("monitoring_token")
    problem = _monitoring_problem(host, token)
    if problem is not None:
        key, message, hint = problem
        raise ConfigurationError((Problem(file="configuration", key=key, message=message, hint=hint),))
    return MonitoringOptions(host=host, port=port, token=token)


def _monitoring_problem(host: str, token: str | None) -> KeyProblem | None:
    if token is not None and len(token) < _SHORTEST_SECRET:
        message = f"credential monitoring_token has {len(token)} characters, fewer than {_SHORTEST_SECRET}"
        return "monitoring.listen", message, f"{_RANDOM_TEXT} into it"
    if token is None and host not in _LOOPBACK:
        message = f"{host} can be reached from outside, so the figures need a token"
        return "monitoring.listen", message, f"{_RANDOM_TEXT} into credential monitoring_token, or listen on 127.0.0.1"
    return None


def certificates_of(settings: Settings) -> dict[str, Path]:
    """Return the files and folders of all certificates that are shown or trusted, by what they are for."""
    mqtt = settings.mqtt
    named = {
        "console": None if settings.console is None else settings.console.tls_certificate,
        "webhook": settings.webhook.certificate,
        "mqtt": mqtt.certificate,
        "mqtt ca": mqtt.ca_certificate,
    }
    pull = settings.mes.pull
    named |= {} if pull is None else {"mes pull": pull.certificate, "mes pull ca": pull.ca_certificate}
    for name, sink in settings.sinks.items():
        named |= {f"sink {name}": sink.certificate, f"sink {name} ca": sink.ca_certificate}
    own = settings.opcua_server
    if own is not None:
        named |= {
            "opcua_server": own.certificate,
            "opcua_server clients": own.clients,
            "opcua_server users": own.user_certificates,
        }
    for name, server in settings.opcua.items():
        named |= {
            f"opcua {name}": server.certificate,
            f"opcua {name} server": server.server_certificate,
            f"opcua {name} user": server.user_certificate,
        }
    return {name: path for name, path in named.items() if path is not None}


def _console_problems(table: ConsoleTable, host: str, key: Path | None) -> list[KeyProblem]:
    on_loopback = host in _LOOPBACK
    if table.demo_link_sha256 is not None and not on_loopback:
        message = f"{host} can be reached from outside, so nobody signs in by a link of the demo"
        return [("console.demo_link_sha256", message, "leave it out: users sign in by their passwords")]
    if table.tls_certificate is None:
        if on_loopback:
            return []
        message = f"{host} can be reached from outside, so it needs TLS: passwords would be read on the way"
        return [("console.listen", message, "set console.tls_certificate, or listen on 127.0.0.1")]
    return _certificate_problems("console.tls_certificate", table.tls_certificate, key, credential_name=OF_CONSOLE)


def _unreadable(key: str, file: Path | None) -> ConfigurationError:
    hint = "name the certificate's file, which the service must be able to read"
    return ConfigurationError((Problem(file=str(file), key=key, message="is no file that can be read", hint=hint),))


def _hint_of_credential(name: str) -> str:
    return f"LoadCredential={name}:<file> in the unit, or CREDENTIALS_DIRECTORY=<its folder> for a check by hand"
