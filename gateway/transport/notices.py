"""Sends a notice by e-mail or to a webhook: one attempt, bounded in time, on a thread of its own.

What a server answers decides: refused for good (this notice), or not taken now (anything else, so it is tried again).
Errors name the server's answer, never what was sent: the address of a webhook is a secret, as a password is.
"""

import http.client
import json
import smtplib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from gateway.transport.attempts import REFUSED_FOR_GOOD, NotTakenNowError

_TIMEOUT_SECONDS = 10.0
_MAILBOX_REFUSED = frozenset({550, 551, 552, 553, 554})  # RFC 5321


class NoticeKind(StrEnum):
    """Where a notice goes."""

    EMAIL = "email"
    WEBHOOK = "webhook"  # JSON of our own
    TEAMS = "teams"
    SLACK = "slack"


class NoticeRefusedError(Exception):
    """The notice was refused, and will always be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """A file that goes with a mail."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """What people are told: a subject of one line, lines of text, and the same as a document for programs.

    ``attachments``: only mails have them.
    """

    notice_id: str
    subject: str
    lines: tuple[str, ...]
    document: Mapping[str, Any]
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class MailServer:
    """An SMTP server and whom it is to reach; ``security``: starttls, tls or none."""

    host: str
    port: int
    security: str
    sender: str
    to: tuple[str, ...]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    trust: ssl.SSLContext | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A webhook's address."""

    url: str = field(repr=False)
    kind: NoticeKind
    trust: ssl.SSLContext | None = None


def send_mail(notice: Notice, server: MailServer) -> None:
    """Send a notice by e-mail; blocks for seconds at most. Raises NotTakenNowError or NoticeRefusedError."""
    message = EmailMessage()
    message["Subject"] = " ".join(notice.subject.split())
    message["From"], message["To"] = server.sender, ", ".join(server.to)
    message["Message-ID"] = f"<{notice.notice_id}@labline>"  # the same at each attempt: mail programs show one
    message.set_content("\n".join(notice.lines))
    for attachment in notice.attachments:
        kind, _, detail = attachment.media_type.partition("/")
        message.add_attachment(attachment.content, maintype=kind, subtype=detail, filename=attachment.name)
    trust = server.trust or ssl.create_default_context()
    try:
        with (
            smtplib.SMTP_SSL(server.host, server.port, timeout=_TIMEOUT_SECONDS, context=trust)
            if server.security == "tls"
            else smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT_SECONDS) as session
        ):
            if server.security == "starttls":
                session.starttls(context=trust)
            if server.user is not None:
                session.login(server.user, server.password or "")
            refused_by = session.send_message(message)
        if refused_by:  # the others have it: it must not be sent to them again
            raise NoticeRefusedError(f"{len(refused_by)} of {len(server.to)} recipients refused")
    except smtplib.SMTPRecipientsRefused as error:
        codes = {code for code, _text in error.recipients.values()}
        refused = codes <= _MAILBOX_REFUSED
        raise (NoticeRefusedError if refused else NotTakenNowError)(f"recipients refused: {sorted(codes)}") from None
    except smtplib.SMTPDataError as error:
        refused = error.smtp_code in _MAILBOX_REFUSED
        raise (NoticeRefusedError if refused else NotTakenNowError)(f"answered {error.smtp_code}") from None
    except smtplib.SMTPResponseException as error:
        raise NotTakenNowError(f"answered {error.smtp_code}") from None
    except (smtplib.SMTPException, OSError) as error:
        raise NotTakenNowError(type(error).__name__) from None


def post(notice: Notice, address: Address) -> None:
    """Post a notice to a webhook; blocks for seconds at most. Raises NotTakenNowError or NoticeRefusedError."""
    parts = urlsplit(address.url)
    body = json.dumps(_BODIES[address.kind](notice)).encode()
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    try:
        connection = (
            http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS,
                                        context=address.trust or ssl.create_default_context())
            if parts.scheme == "https"
            else http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS)
        )  # fmt: skip
        try:
            headers = {"Content-Type": "application/json", "Idempotency-Key": notice.notice_id}
            connection.request("POST", target, body=body, headers=headers)
            status = connection.getresponse().status
        finally:
            connection.close()
    except (http.client.HTTPException, OSError, ValueError) as error:
        raise NotTakenNowError(type(error).__name__) from None
    if status in REFUSED_FOR_GOOD:
        raise NoticeRefusedError(f"answered {status}")
    if not http.client.OK <= status < http.client.MULTIPLE_CHOICES:  # a redirection is not followed
        raise NotTakenNowError(f"answered {status}")


def _as_teams(notice: Notice) -> dict[str, Any]:
    """Return an adaptive card in a message, as workflows of Teams take it."""
    blocks = [{"type": "TextBlock", "text": notice.subject, "weight": "Bolder", "wrap": True}]
    blocks += [{"type": "TextBlock", "text": line, "wrap": True} for line in notice.lines if line]
    card = {"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard",
            "version": "1.4", "body": blocks}  # fmt: skip
    content_type = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": content_type, "content": card}]}


def _as_slack(notice: Notice) -> dict[str, Any]:
    """Return a message as incoming webhooks of Slack take it; its three characters of markup are escaped."""
    text = "\n".join((notice.subject, *notice.lines))
    return {"text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}


_BODIES: Mapping[NoticeKind, Callable[[Notice], dict[str, Any]]] = {
    NoticeKind.WEBHOOK: lambda notice: dict(notice.document),
    NoticeKind.TEAMS: _as_teams,
    NoticeKind.SLACK: _as_slack,
}
