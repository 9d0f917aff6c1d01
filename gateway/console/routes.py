"""Every path of the console: one row each, with who may ask, what is asked and what is answered.

``openapi.py`` describes them from this table, ``application.py`` serves them by it.
"""

from dataclasses import dataclass
from enum import StrEnum

from gateway.console.refusals import RequestRefusal
from gateway.console.views.acts import ActAnswerView, ActAsked, PasswordAsked
from gateway.console.views.alarms import AlarmsView
from gateway.console.views.ask import AnswerView, QuestionAsked, TokenAsked, TokenView
from gateway.console.views.audit import AuditView, TraceView, VerifyView
from gateway.console.views.capa import ActionsView, DeviationKnowledgeView, SuppliersView
from gateway.console.views.certificates import AnalysisCertificatesView, AnalysisCertificateView
from gateway.console.views.charts import ChartView
from gateway.console.views.health import HealthView
from gateway.console.views.lot import LotView
from gateway.console.views.lots import LotsView
from gateway.console.views.missed import MissedView
from gateway.console.views.models import ModelsView
from gateway.console.views.now import NowView
from gateway.console.views.parts import AskedFor, View
from gateway.console.views.pilot import PilotView
from gateway.console.views.review import ReviewView
from gateway.console.views.samples import SamplesView
from gateway.console.views.search import SearchView
from gateway.console.views.session import LinkAsked, MeView, SetUpAsked, SignInAsked, StartView
from gateway.console.views.signatures import SignaturesView
from gateway.console.views.trend import TrendView
from gateway.console.views.users import AccountView, PasswordLinkAsked, PasswordLinkView, UsersView
from gateway.store.queries.seen_records import RecordKind


class Access(StrEnum):
    """Who may ask for a path."""

    ANYBODY = "anybody"
    SIGNED_IN = "signed in"
    ADMINISTRATORS = "administrators"


class Sees(StrEnum):
    """What somebody is answered who sees the records of some clients only; a path about one record names it."""

    NO_RECORDS = "it says nothing of what is on record"
    OWN = "it is about who asks, and nobody else"
    PART = "it is made for who asks, without what they do not see"
    WHOLE_PLANT = "it is of all clients together: they are refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class OfRecord:
    """The path is about a record: who does not see it is told that there is none.

    ``parameter``: the part of the path that names it; ``missing``: what is answered where there is none.
    """

    kind: RecordKind
    parameter: str
    missing: RequestRefusal


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """A path: ``sight`` says what somebody is answered who sees a part of the records.

    ``answer`` None where the answer is no JSON; ``query``: the parameters, each with what it is.
    """

    method: str
    path: str
    sight: Sees | OfRecord
    text: str
    answer: type[View] | None
    asked: type[AskedFor] | None = None
    access: Access = Access.SIGNED_IN
    query: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """Return the name by which the server finds what answers it."""
        return f"{self.method} {self.path}"


_OF_LOT = OfRecord(kind=RecordKind.LOT, parameter="lot", missing=RequestRefusal.NOTHING_ON_RECORD)
_OF_DEVIATION = OfRecord(kind=RecordKind.DEVIATION, parameter="id", missing=RequestRefusal.NO_SUCH_DEVIATION)
_OF_CERTIFICATE = OfRecord(kind=RecordKind.CERTIFICATE, parameter="id", missing=RequestRefusal.NOTHING_ON_RECORD)
_OF_SIGNED = OfRecord(kind=RecordKind.SIGNED_RECORD, parameter="id", missing=RequestRefusal.NO_SIGNED_RECORD)
_SEARCH = (("query", "a part of the name"), ("before", "the number that the last page ended with"))
_FINDING = (
    ("query", "words, phrases in quotes, -without, and fields such as supplier:ACME or from:2026-11-01"),
    ("kind", "only records of this kind"),
    ("beyond", "how many are passed over"),
)
ROUTES: tuple[Route, ...] = (
    Route(method="GET", path="/api/start", sight=Sees.NO_RECORDS,
          text="What the page may know before anybody has signed in.",
          answer=StartView, access=Access.ANYBODY),
    Route(method="POST", path="/session", sight=Sees.OWN, text="Sign in; the answer sets the cookie of the session.",
          answer=MeView, asked=SignInAsked, access=Access.ANYBODY),
    Route(method="POST", path="/session/link", sight=Sees.OWN,
          text="Sign in by the one-time link of the demo, on loopback only.",
          answer=MeView, asked=LinkAsked, access=Access.ANYBODY),
    Route(method="DELETE", path="/session", sight=Sees.OWN, text="Sign out.", answer=None),
    Route(method="POST", path="/setup", sight=Sees.OWN, text="Make the first administrator by the one-time link.",
          answer=MeView, asked=SetUpAsked, access=Access.ANYBODY),
    Route(method="GET", path="/api/me", sight=Sees.OWN, text="Who is signed in, and what they may do.", answer=MeView),
    Route(method="GET", path="/api/account", sight=Sees.OWN, text="One's own account, with where one is signed in.",
          answer=AccountView),
    Route(method="GET", path="/api/users", sight=Sees.WHOLE_PLANT,
          text="All users, for administrators.", answer=UsersView,
          access=Access.ADMINISTRATORS),
    Route(method="POST", path="/api/users/{user}/password-link", sight=Sees.WHOLE_PLANT, access=Access.ADMINISTRATORS,
          text="Make a link by which a user sets a password of their own; it ends their sessions and their lock.",
          answer=PasswordLinkView, asked=PasswordLinkAsked),
    Route(method="GET", path="/api/now", sight=Sees.PART,
          text="The highest open alarm, what to do, and what runs.", answer=NowView),
    Route(method="GET", path="/api/alarms", sight=Sees.PART,
          text="Every alarm that is not normal, and who may do what about it.",
          answer=AlarmsView),
    Route(method="GET", path="/api/missed", sight=Sees.PART,
          text="Guidance and alarms that came and went while a page heard nothing.",
          answer=MissedView, query=(("since", "the instant, RFC 3339 in UTC"),)),
    Route(method="GET", path="/api/lots", sight=Sees.PART,
          text="The newest lots, or those that a search names.", answer=LotsView,
          query=_SEARCH),
    Route(method="GET", path="/api/lots/{lot}", sight=_OF_LOT, text="One lot, with its timeline.", answer=LotView),
    Route(method="GET", path="/api/lots/{lot}/review", sight=Sees.WHOLE_PLANT,
          text="The record of a lot by exception, the worst first.",
          answer=ReviewView),
    Route(method="GET", path="/api/lots/{lot}/review/document", sight=Sees.WHOLE_PLANT,
          text="The same as a page for printing.", answer=None),
    Route(method="GET", path="/api/samples", sight=Sees.PART,
          text="What the laboratory is asked for.", answer=SamplesView),
    Route(method="GET", path="/api/models", sight=Sees.WHOLE_PLANT,
          text="Models, their stages and how well they do.", answer=ModelsView),
    Route(method="GET", path="/api/models/{model}/pilot", sight=Sees.WHOLE_PLANT,
          text="How the line did in each stage of a model, beside the time before.", answer=PilotView),
    Route(method="GET", path="/api/models/{model}/pilot/report", sight=Sees.WHOLE_PLANT,
          text="The same as a page for printing.", answer=None),
    Route(method="GET", path="/api/signatures", sight=Sees.PART,
          text="What waits for a signature, and what was signed.",
          answer=SignaturesView),
    Route(method="GET", path="/api/signatures/{id}/bundle", sight=_OF_SIGNED,
          text="A signed record with its signatures as a ZIP archive that anybody verifies offline.", answer=None),
    Route(method="GET", path="/api/audit", sight=Sees.PART, text="The audit trail, the newest first.", answer=AuditView,
          query=_SEARCH),
    Route(method="GET", path="/api/audit/trace/{id}", sight=Sees.WHOLE_PLANT,
          text="From an id to all that is connected with it.",
          answer=TraceView),
    Route(method="GET", path="/api/audit/verify", sight=Sees.WHOLE_PLANT,
          text="Whether the chain of the audit trail holds.",
          answer=VerifyView),
    Route(method="GET", path="/api/health", sight=Sees.WHOLE_PLANT,
          text="Connections, buffers, clocks and disks.", answer=HealthView),
    Route(method="GET", path="/api/trend/{equipment}/{analyte}", sight=Sees.PART,
          text="Predictions over the last hours.",
          answer=TrendView, query=(("hours", "how far back, 0.1 to 24; else 2"),)),
    Route(method="GET", path="/api/charts/{lot}/{analyte}", sight=_OF_LOT, text="A control chart of a lot's product.",
          answer=ChartView),
    Route(method="GET", path="/api/deviations/{id}", sight=_OF_DEVIATION,
          text="The draft of a deviation, as a page.", answer=None),
    Route(method="GET", path="/api/deviations/{id}/knowledge", sight=_OF_DEVIATION, answer=DeviationKnowledgeView,
          text="Events like a deviation, with what was done and whether it helped; actions against it."),
    Route(method="GET", path="/api/actions", sight=Sees.PART, answer=ActionsView,
          text="Corrective and preventive actions, the newest first, with whether they helped."),
    Route(method="GET", path="/api/suppliers", sight=Sees.PART, text="A scorecard for each supplier's material.",
          answer=SuppliersView),
    Route(method="GET", path="/api/search", sight=Sees.PART,
          text="Records of every kind that match words and fields, the best first.",
          answer=SearchView, query=_FINDING),
    Route(method="GET", path="/api/search/export", sight=Sees.PART, text="What a search finds as a file.", answer=None,
          query=(*_FINDING[:2], ("format", "csv or json; else csv"))),
    Route(method="GET", path="/api/certificates", sight=Sees.PART, answer=AnalysisCertificatesView, query=_SEARCH,
          text="The newest certificates, or those that a search names by lot, order, equipment, material or customer."),
    Route(method="GET", path="/api/certificates/{id}", sight=_OF_CERTIFICATE,
          text="One certificate, with its versions.",
          answer=AnalysisCertificateView),
    Route(method="GET", path="/api/certificates/{id}/{version}/document.html", sight=_OF_CERTIFICATE, answer=None,
          text="A version as a page: as it was issued, else with a mark that it is not valid."),
    Route(method="GET", path="/api/certificates/{id}/{version}/document.pdf", sight=_OF_CERTIFICATE, answer=None,
          text="The same as PDF."),
    Route(method="GET", path="/api/events", sight=Sees.PART, answer=None,
          text="Server-sent events: now (as /api/now), state {counter, same_as}, heartbeat {at}, over {why}."),
    Route(method="POST", path="/api/acts", sight=Sees.PART,
          text="Do an act; the answer says what came of it.", answer=ActAnswerView,
          asked=ActAsked),
    Route(method="POST", path="/api/ask", sight=Sees.PART, answer=AnswerView, asked=QuestionAsked,
          text="Ask about the line; the answer comes from its records, with its sources."),
    Route(method="POST", path="/api/ask/token", sight=Sees.OWN, answer=TokenView, asked=TokenAsked,
          text="Get a token by which one asks at a terminal with one's own rights, for minutes; it is put on record."),
    Route(method="POST", path="/api/password", sight=Sees.OWN,
          text="Set one's own password; it ends all sessions of the user.",
          answer=ActAnswerView, asked=PasswordAsked),
)  # fmt: skip
