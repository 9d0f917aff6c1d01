"""From ``[notify.<name>]`` to who is told of alarms, and how."""

from collections.abc import Callable
from functools import partial
from zoneinfo import ZoneInfo

from gateway.config.alarm_tables import NotifyTable
from gateway.config.connections import password_of
from gateway.config.credentials import credential
from gateway.config.tables import Settings
from gateway.errors import ConfigurationError, Problem
from gateway.publish.notice_texts import Target
from gateway.transport.notices import Address, MailServer, Notice, NoticeKind, post, send_mail


def targets(settings: Settings, zone: ZoneInfo) -> tuple[Target, ...]:
    """Return who is told of alarms; raises ConfigurationError where an address or a credential is missing."""
    return tuple(
        Target(
            name=name,
            severities=frozenset(table.severities),
            positions=frozenset(role.value for role in table.positions),
            ended=table.ended,
            quiet=table.quiet_hours,
            zone=zone,
            line=settings.line_path,
            send=_sender(name, table),
        )
        for name, table in settings.notify.items()
    )


def certificate_mail(settings: Settings) -> MailServer | None:
    """Return the server that sends certificates to customers, None where none does; raises ConfigurationError."""
    name = settings.certificates.mail
    table = None if name is None else settings.notify.get(name)
    return None if name is None or table is None else _server(name, table)


def _sender(name: str, table: NotifyTable) -> Callable[[Notice], None]:
    if table.kind is NoticeKind.EMAIL:
        return partial(send_mail, server=_server(name, table))
    url = credential(f"notify_{name}_url") or table.url
    if not url or not url.startswith(("https://", "http://")):
        raise _missing(name, "url", f"put the address into the credential notify_{name}_url")
    return partial(post, address=Address(url=url, kind=table.kind))


def _server(name: str, table: NotifyTable) -> MailServer:
    if not table.to:
        raise _missing(name, "to", 'name the addresses, such as to = ["shift@example.com"]')
    if table.host is None:
        raise _missing(name, "host", "name the SMTP server")
    return MailServer(
        host=table.host,
        port=table.port,
        security=table.security,
        sender=table.sender or table.to[0],
        to=tuple(table.to),
        user=table.user,
        password=password_of(table.user, key=f"notify.{name}.user", name=f"notify_{name}_password"),
    )


def _missing(name: str, key: str, hint: str) -> ConfigurationError:
    problem = Problem(file="configuration", key=f"notify.{name}.{key}", message="is missing", hint=hint)
    return ConfigurationError((problem,))
