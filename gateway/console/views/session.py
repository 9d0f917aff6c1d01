"""Signing in, the first start, and who is signed in."""

from pydantic import Field

from gateway.console.views.parts import AskedFor, View


class SignInAsked(AskedFor):
    """POST /session."""

    user: str = Field(max_length=64)
    password: str = Field(max_length=1024, repr=False)
    code: str = Field(default="", max_length=16, repr=False, description="of the second device, where there is one")


class SetUpAsked(AskedFor):
    """POST /setup: the first administrator, by the one-time link that the gateway has printed."""

    link: str = Field(max_length=128, repr=False, description="the part of the link behind #")
    user_id: str = Field(max_length=32)
    full_name: str = Field(max_length=200)
    password: str = Field(max_length=1024, repr=False)


class LinkAsked(AskedFor):
    """POST /session/link: sign in by the demo's link."""

    link: str = Field(max_length=128, repr=False, description="the part of the link behind #")


class StartView(View):
    """GET /api/start: what the page may know before anybody has signed in."""

    line: str
    language: str
    version: str
    set_up_needed: bool = Field(description="there are no users yet: the one-time link makes the first")
    signed_in: bool


class MeView(View):
    """GET /api/me: who is signed in, and what they may do."""

    user_id: str
    full_name: str
    roles: list[str]
    acts: list[str] = Field(description="the acts that the user's roles may ask for")
    signed_acts: list[str] = Field(description="the acts that need user and password again, as a signature")
    closed_views: list[str] = Field(
        description="views of the page that show the records of all clients together; empty for who sees them all"
    )
    must_change_password: bool = Field(description="nothing else is accepted before set_password")
    language: str
    line: str
    version: str
    csrf_token: str = Field(description="to be sent as X-CSRF-Token with each POST and DELETE")
    expires_at: str = Field(description="when the session ends even where it is used")
    idle_minutes: float = Field(description="without a request for so long, it ends earlier")
