"""Each code that the page shows in words has its word in every language: a code itself would be shown in its place."""

import pytest

from gateway.people.signing import SIGNABLE
from gateway.records.act_kinds import ActKind
from gateway.records.alarms import AlarmState
from gateway.records.guidance import GuidanceKind, GuidanceState, Severity
from gateway.records.laboratory import Recommendation, ResultStatus
from gateway.records.lot_decisions import Verdict
from gateway.records.people import Act
from gateway.records.production import ContextKind
from gateway.records.setpoints import Followed, WriteState
from gateway.records.users import Role
from gateway.store.queries.tracing import _KINDS
from tests.texts.test_texts_of_the_page import LANGUAGES_OF_PAGE, texts_of_page

WORDS = {
    "act_title": SIGNABLE,
    "alarm_act": [ActKind.ACKNOWLEDGE, ActKind.ACKNOWLEDGE_ALARM, ActKind.SHELVE, ActKind.UNSHELVE,
                  ActKind.TAKE_OUT_OF_SERVICE, ActKind.RETURN_TO_SERVICE],
    "alarm_state": AlarmState,
    "answered": Act,
    "context": ContextKind,
    "decide": Verdict,
    "decide_meaning": Verdict,
    "decision": Verdict,
    "followed": Followed,
    "guidance_state": GuidanceState,
    "happened": ["context", "result", "disposition", "guidance", "response", "settlement", "deviation", "signature",
                 "move", "outcome"],
    "kind": GuidanceKind,
    "record": {*_KINDS, *(kind for leads_to in _KINDS.values() for kind in leads_to.values())},
    "recommendation": Recommendation,
    "role": Role,
    "severity": Severity,
    "signing_state": ["waiting", "done", "withdrawn", "refused", "expired"],
    "stage": ["shadow", "advise", "approve", "automatic"],
    "status": ResultStatus,
    "verdict": Verdict,
    "write": WriteState,
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES_OF_PAGE)
@pytest.mark.parametrize("group", WORDS)
def test_each_code_has_its_word(language, group):
    texts = texts_of_page(language)
    assert [code for code in WORDS[group] if f"{group}.{getattr(code, 'value', code)}" not in texts] == []
