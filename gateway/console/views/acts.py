"""What a person does by the console: any act, by its name and parameters, as commands do."""

from typing import Any

from pydantic import Field

from gateway.console.views.parts import AskedFor, View
from gateway.records.acts import ActOutcome


class SigningAsked(AskedFor):
    """Both components, given again for an act that is signed."""

    user: str = Field(max_length=64)
    password: str = Field(max_length=1024, repr=False)
    code: str = Field(default="", max_length=16, repr=False)


class ActAsked(AskedFor):
    """POST /api/acts."""

    act: str = Field(max_length=64, description="such as acknowledge_alarm, settle_point, answer_guidance")
    parameters: dict[str, Any]
    reason: str = Field(default="", max_length=4000)
    sign_in: SigningAsked | None = None


class ActAnswerView(View):
    """What came of it; it is 200 also where it is refused, so that the page shows why and what to do."""

    outcome: ActOutcome
    code: str | None = Field(description="why it is refused or unknown: docs/payloads.md lists the codes; else null")
    message: str = Field(description="why and what to do, in the plant's language; empty where it is done")
    parameters: dict[str, Any] = Field(description="of the code's texts")
    why: str
    hint: str
    details: dict[str, Any]


class PasswordAsked(AskedFor):
    """POST /api/password: a new password of one's own."""

    password: str = Field(max_length=1024, repr=False)
    sign_in: SigningAsked
