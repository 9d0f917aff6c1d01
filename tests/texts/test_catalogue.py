"""The catalogue of texts: every code has its text in every language, and every text has its code."""

import re
from collections.abc import Collection
from enum import EnumType
from importlib.resources import files
from pathlib import Path
from string import Formatter

import pytest

from gateway.advice.certificate_mail import MailText
from gateway.advice.certificate_paper import PaperText
from gateway.advice.document_texts import ChartText, DocumentText, Heading, TimelineText
from gateway.advice.gateway_alarms import GatewayAlarm
from gateway.advice.grouping import Group
from gateway.advice.laboratory_plan import ProposalText
from gateway.advice.phrases import Phrase
from gateway.advice.rationing import Summary
from gateway.advice.reasons import Action, Advice
from gateway.advice.rejection import AskedAgain
from gateway.advice.review_page import ReviewPageText
from gateway.advice.titles import REASONS_WITH_NAMES, Abbreviation, Title
from gateway.console.refusals import RequestRefusal
from gateway.console.texts import ActionText, PilotText, StageText
from gateway.contract.payloads.guidance import OVER
from gateway.contract.payloads.outcome import AnswerText
from gateway.contract.refusals import RefusalText
from gateway.copilot.sentences import Sentence
from gateway.decisions.signed_wording import SignedText
from gateway.guardrails.reasons import Abstention, AbstentionPhrase
from gateway.lab.capability import Withheld
from gateway.lab.cause_names import CauseName
from gateway.lab.cause_sentences import CausePhrase, CauseSentence
from gateway.lab.certificates.gaps import Gap
from gateway.lab.certificates.questions import Question
from gateway.lab.conformity_reasons import ConformityReason, OutOfSpecification
from gateway.lab.control_state import StateReason
from gateway.lab.disposition import WITHDRAWN
from gateway.lab.lot_reasons import LotReason
from gateway.lab.phrases import LabPhrase
from gateway.lab.release.open_points import WITH_OWN_WAY, OpenPoint, WithoutOwnWay
from gateway.lab.release.refused import ABOUT
from gateway.lab.review.codes import ReviewCode, ReviewGroup, ReviewSeverity
from gateway.lab.sampling import SampleReason
from gateway.lab.trend_reasons import DEPARTED, SIGNALS, TrendSentence, code_of
from gateway.lab.westgard import ControlRule
from gateway.line.definition import Stage
from gateway.publish.notice_texts import NoticeText
from gateway.records.act_kinds import ActKind
from gateway.records.act_refusals import ActRefusal
from gateway.records.alarms import AlarmState
from gateway.records.certificates import CertificateState
from gateway.records.guidance import Severity
from gateway.records.laboratory import Recommendation
from gateway.records.lot_decisions import Verdict
from gateway.records.people import Outcome
from gateway.records.signatures import SigningState
from gateway.records.users import Role
from gateway.texts import catalogue
from gateway.texts.reference import refreshed

SIGNALS_IN_CAPITALS = [code_of(signal) for signal in SIGNALS]
CODES: dict[str, Collection[str]] = {
    "convention": catalogue.Convention,
    "copilot": Sentence,
    "abstention_phrase": AbstentionPhrase,
    "cause_name": CauseName,
    "abstention": Abstention,
    "advice": Advice,
    "gateway_alarm_title": GatewayAlarm,
    "gateway_alarm_action": GatewayAlarm,
    "notice": NoticeText,
    "notice_severity": [severity.name for severity in Severity],
    "summary": Summary,
    "summary_title": Summary,
    "advice_action": Action,
    "asked_again": AskedAgain,
    "group": Group,
    "advice_phrase": Phrase,
    "guidance_title": Title,
    "title_abbreviation": Abbreviation,
    "reason_name": REASONS_WITH_NAMES,
    "ended_title": [state.name for state in OVER],
    "outcome": Outcome,
    "outcome_before": AnswerText,
    "refusal": RefusalText,
    "laboratory_proposal": ProposalText,
    "deviation": DocumentText,
    "deviation_heading": Heading,
    "deviation_chart": ChartText,
    "deviation_timeline": TimelineText,
    "conformity": ConformityReason,
    "lab_phrase": LabPhrase,
    "lot": LotReason,
    "sample_reason": SampleReason,
    "control_rule": ControlRule,
    "cause": CauseSentence,
    "cause_phrase": CausePhrase,
    "series_state": StateReason,
    "capability": Withheld,
    "open_point": OpenPoint,
    "how_to_settle": [*WITH_OWN_WAY, *WithoutOwnWay],
    "trend": [code for code in SIGNALS_IN_CAPITALS if code != code_of(DEPARTED)],
    "trend_rule": SIGNALS_IN_CAPITALS,
    "trend_sentence": TrendSentence,
    "console_action": ActionText,
    "pilot": PilotText,
    "stage": StageText,
    "act_refusal": ActRefusal,
    "request_refusal": RequestRefusal,
    "act_name": [kind.name for kind in ActKind],
    "signed_act": SignedText,
    "role_name": [role.name for role in Role],
    "stage_name": [stage.name for stage in Stage],
    "lot_decision": {*Verdict.__members__, *Recommendation.__members__},
    "certificate": PaperText,
    "certificate_mail": MailText,
    "certificate_gap": Gap,
    "certificate_question": Question,
    "certificate_state": [state.name for state in CertificateState],
    "signing_state": [state.name for state in SigningState],
    "alarm_state": [state.name for state in AlarmState],
    "review": ReviewCode,
    "review_page": ReviewPageText,
    "review_group": [group.name for group in ReviewGroup],
    "review_severity": [severity.name for severity in ReviewSeverity],
}
REASONS = ["abstention", "advice", "outcome", "conformity", "lot"]
WHOLE_SENTENCES = re.compile(r"(\.|\{(reason|point|first)\})( \(\{more\} \w+\))?$")  # some parameters are sentences
VARIANTS: dict[tuple[str, str], Collection[str]] = {
    ("outcome", "APPROVED"): {"written", "by_hand"},
    ("conformity", "OUT_OF_SPECIFICATION"): OutOfSpecification,
    ("conformity", "RESULT_REJECTED"): WITHDRAWN,
    ("cause", "TAG"): {"higher", "lower"},
    ("cause", "PRESENCE"): {"there", "not_there"},
    ("lot", "HELD_BEFORE"): {"with_reason", "without_reason"},
    ("open_point", "RESULT_UNREAD"): {"one_field", "several_fields"},
    ("open_point", "RESULT_WITHDRAWN"): WITHDRAWN,
    ("open_point", "RESULT_CONTRADICTED"): {"came_twice", *ABOUT.values()},
    ("open_point", "MESSAGE_REFUSED"): {"of_product", *ABOUT.values()},
    ("open_point", "SPECIFICATION_REFUSED"): {"of_version", "without_version"},
    ("open_point", "CONTEXT_CONTRADICTED"): {"of_lot", "of_product", "of_client"},
    ("open_point", "PARENT_IN_QUESTION"): {"hold", "review"},
    ("open_point", "DECIDED_BY_QUALITY"): {f"{verdict}{of}" for verdict in Verdict for of in ("", "_part")},
    ("review", "DATA_GAP"): {"over", "still_open"},
    ("review", "MESSAGE_NOT_SENT"): {"waits", "parked"},
    ("review", "DELIVERY_FAILED"): {"waits", "refused"},
    ("review", "CONTEXT_CONTRADICTED"): {"product", "order", "equipment", "client", "point"},
    **{("act_refusal", code): {"why", "hint"} for code in ActRefusal},
    **{("request_refusal", code): {"why", "hint"} for code in RequestRefusal},
    **{("trend", signal): {"high", "low"} for signal in SIGNALS_IN_CAPITALS},
}
LANGUAGES = sorted(catalogue.languages())
PAGE = Path(__file__).parents[2] / "docs" / "payloads.md"


def forms(entry):
    """Return all templates of a text."""
    if isinstance(entry, str):
        return [entry]
    return list(entry.values()) if isinstance(entry, dict) else entry


def placeholders(template):
    return {name for _text, name, _form, _conversion in Formatter().parse(template) if name is not None}


def texts_of(language):
    return catalogue.catalogue(language)


@pytest.fixture
def a_language(monkeypatch):
    """Speak a language that is made of the texts of the test."""

    def speak(texts):
        monkeypatch.setattr(catalogue, "_texts", texts)

    return speak


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_text_and_every_text_a_code(language):
    assert set(texts_of(language)) == {(group, str(code)) for group, codes in CODES.items() for code in codes}


@pytest.mark.parametrize("codes", [codes for codes in CODES.values() if isinstance(codes, EnumType)])
def test_a_code_is_its_own_name(codes):
    assert [member for name, member in codes.__members__.items() if member.value != name] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_fills_the_same_parameters_into_a_text(language):
    english = texts_of("en")
    assert texts_of(language).keys() == english.keys()
    for key, entry in texts_of(language).items():
        named = set().union(*map(placeholders, forms(entry)))
        assert named == set().union(*map(placeholders, forms(english[key]))), key
        assert all(name.isidentifier() for name in named), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_is_a_template_a_singular_with_its_plural_or_a_list_of_wordings(language):
    for key, entry in texts_of(language).items():
        if isinstance(entry, dict):
            assert set(entry) == {str(variant) for variant in VARIANTS.get(key, ("one", "other"))}, key
        assert all(form and isinstance(form, str) for form in forms(entry)), key
        assert forms(entry), key


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("group", REASONS)
def test_no_two_reasons_say_the_same(language, group):
    sentences = [form for key, entry in texts_of(language).items() if key[0] == group for form in forms(entry)]
    assert len(set(sentences)) == len(sentences)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("group", [*REASONS, "open_point", "sample_reason", "control_rule", "cause"])
def test_a_reason_is_a_whole_sentence(language, group):
    sentences = [form for key, entry in texts_of(language).items() if key[0] == group for form in forms(entry)]
    assert [sentence for sentence in sentences if not WHOLE_SENTENCES.search(sentence)] == []


def test_the_page_of_payloads_lists_the_codes_with_their_sentences():
    page = PAGE.read_text(encoding="utf-8")
    assert refreshed(page) == page, "run `make texts`"


def test_a_text_is_filled_with_the_numbers_of_the_case():
    said = catalogue.text("abstention", "STALE", tag="T1", age_seconds=31.24, max_age_seconds=30.0)
    assert said == "The last value of T1 is 31.2 s old; at most 30.0 s is accepted."


def test_a_code_without_a_text_and_a_text_without_its_parameter_are_mistakes():
    with pytest.raises(KeyError, match="NO_SUCH_CODE"):
        catalogue.text("abstention", "NO_SUCH_CODE")
    with pytest.raises(KeyError, match="max_age_seconds"):
        catalogue.text("abstention", "STALE", tag="T1", age_seconds=31.24)


def test_a_count_chooses_between_singular_and_plural(a_language):
    a_language({("lots", "WAITING"): {"one": "{count} lot waits.", "other": "{count} lots wait."}})
    sentences = [catalogue.text("lots", "WAITING", count=count) for count in (0, 1, 2)]
    assert sentences == ["0 lots wait.", "1 lot waits.", "2 lots wait."]


def test_a_variant_chooses_between_the_sentences_of_one_reason(a_language):
    a_language({("conformity", "OUT"): {"below": "{name} is too low.", "above": "{name} is too high."}})
    assert catalogue.text("conformity", "OUT", variant="above", name="pH") == "pH is too high."


def test_a_title_is_the_longest_wording_that_has_room(a_language):
    a_language({("titles", "HIGH"): ["{tag} is far above its upper limit of {limit}", "{tag} above {limit}"]})
    assert catalogue.title("titles", "HIGH", tag="T1", limit=4) == "T1 is far above its upper limit of 4"
    assert catalogue.title("titles", "HIGH", tag="T" * 40, limit=4) == "T" * 40 + " above 4"
    assert catalogue.title("titles", "HIGH", tag="T" * 70, limit=4) == "T" * 70 + " above 4"
    with pytest.raises(KeyError):
        catalogue.text("titles", "HIGH", tag="T1", limit=4)


def test_a_language_that_there_is_not_is_refused_and_nothing_changes():
    with pytest.raises(FileNotFoundError):
        catalogue.speak("xx")
    catalogue.speak("en")
    assert catalogue.text("abstention", "NOT_FINITE", model="M") == "Model M gave a value that is not finite."


def test_the_templates_of_documents_have_no_words_of_their_own():
    folder = files("gateway.advice").joinpath("templates")
    for template in folder.iterdir():
        words = template.read_text(encoding="utf-8")
        for markup in (r"{[{%].*?[}%]}", r"<style>.*?</style>", r"<[^>]*>"):
            words = re.sub(markup, " ", words, flags=re.DOTALL)
        assert re.findall(r"[A-Za-z]{2,}", words) == [], template.name
