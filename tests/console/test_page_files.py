"""The page's files: every text in every language, nothing from elsewhere, nothing that its policy would refuse."""

import json
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from gateway.contract import words
from gateway.records.users import Role

REPOSITORY = Path(__file__).parents[2]
STATIC = REPOSITORY / "gateway" / "console" / "static"
SCRIPTS = {
    path.relative_to(STATIC).as_posix(): path.read_text("utf-8") for path in sorted((STATIC / "js").rglob("*.js"))
}
TEXTS = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((STATIC / "texts").glob("*.json"))}
_LITERAL = re.compile(r'"([a-z_]+\.[a-z_0-9]+(?:\.[a-z_]+)?)"')
_GROUP = re.compile(r'(?:text|word)\(`?"?([a-z_]+)')
_TABLE = re.compile(r"const WORDS = \{([^}]*)\}")  # groups of texts by the field whose values they are
_PARAMETER = re.compile(r"\{(\w+)\}")


def test_each_language_has_the_same_texts_with_the_same_parameters():
    assert set(TEXTS) == {"en", "de"}
    assert TEXTS["en"].keys() == TEXTS["de"].keys()
    for key, english in TEXTS["en"].items():
        assert set(_PARAMETER.findall(english)) == set(_PARAMETER.findall(TEXTS["de"][key])), key
        assert english.strip(), key
        assert TEXTS["de"][key].strip(), key


def test_each_text_that_the_scripts_name_is_in_the_catalogue():
    groups = {key.split(".")[0] for key in TEXTS["en"]}
    named = {key for script in SCRIPTS.values() for key in _LITERAL.findall(script) if key.split(".")[0] in groups}
    assert len(named) > 100
    assert named - {key for key in named if key.endswith(".js")} <= TEXTS["en"].keys()


def test_no_text_is_in_the_catalogue_that_no_script_shows():
    every = "\n".join(SCRIPTS.values())
    by_group = {group for script in SCRIPTS.values() for group in _GROUP.findall(script)}
    by_group |= {group for table in _TABLE.findall(every) for group in re.findall(r'"([a-z_]+)"', table)}
    unused = [key for key in TEXTS["en"] if f'"{key}"' not in every and key.split(".")[0] not in by_group]
    assert unused == []


def test_the_words_of_guidance_lots_and_people_are_in_the_catalogue():
    wanted = [
        ("kind", words.KINDS), ("guidance_state", words.STATES), ("severity", words.SEVERITIES),
        ("recommendation", words.RECOMMENDATIONS), ("status", words.STATUSES), ("stage", words.STAGES), ("role", Role),
    ]  # fmt: skip
    missing = [f"{group}.{word}" for group, known in wanted for word in known if f"{group}.{word}" not in TEXTS["en"]]
    assert missing == []


def test_the_page_brings_no_inline_script_or_style_and_asks_nobody_else():
    index = (STATIC / "index.html").read_text("utf-8")
    assert not re.search(r"<style|style=|<script(?![^>]*\bsrc=)|\son\w+=", index)
    for name, script in SCRIPTS.items():
        assert not re.search(r"innerHTML|insertAdjacentHTML|eval\(", script), name
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", script), name
        assert '"style"' not in script.replace('name === "style"', ""), name
    assert not re.search(r"@import|url\(", (STATIC / "style.css").read_text("utf-8"))


def test_each_import_of_a_script_is_a_file():
    for name, script in SCRIPTS.items():
        for wanted in re.findall(r'from "([^"]+)"', script):
            path = STATIC / wanted.lstrip("/") if wanted.startswith("/") else (STATIC / name).parent / wanted
            assert path.is_file(), f"{name} imports {wanted}"


def test_what_is_shipped_of_others_has_its_licence_and_its_notice():
    spec = spec_from_file_location("notices", REPOSITORY / "requirements" / "notices.py")
    notices = module_from_spec(spec)
    spec.loader.exec_module(notices)
    document = (REPOSITORY / "THIRD_PARTY_NOTICES.md").read_text("utf-8")
    shipped = {folder for *_rest, folder in notices.VENDORED}
    assert shipped == {path.relative_to(REPOSITORY).as_posix() for path in (STATIC / "vendor").iterdir()}
    for name, version, licence, holder, folder in notices.VENDORED:
        assert f"| {name} | {version} | {licence} | {holder} | `{folder}` |" in document
        assert holder in (REPOSITORY / folder / "LICENSE").read_text("utf-8")


def test_no_script_is_too_long_to_read():
    assert {name: len(script.splitlines()) for name, script in SCRIPTS.items() if len(script.splitlines()) > 300} == {}


_KINDS = re.compile(r'(?:audit_entry\(|AuditEntry\(kind=|_on_record\(connection, |_(?:key_)?changed\()\s*"([a-z_]+)"')


def test_each_kind_of_line_in_the_audit_trail_has_its_words():
    sources = [path.read_text("utf-8") for path in (REPOSITORY / "gateway").rglob("*.py")]
    kinds = {kind for source in sources for kind in _KINDS.findall(source)}
    assert len(kinds) > 50
    kinds |= {f"alarm_{change}" for change in ("shelved", "unshelved", "taken_out_of_service", "returned_to_service")}
    assert sorted(kind for kind in kinds if f"audit_kind.{kind}" not in TEXTS["en"]) == []


def test_no_script_imports_a_name_twice():
    for name, script in SCRIPTS.items():
        imports = re.findall(r"^import \{([^}]*)\} from", script, re.MULTILINE)
        names = [one.strip() for names in imports for one in names.split(",")]
        assert sorted(names) == sorted(set(names)), name  # the whole page would stay empty
