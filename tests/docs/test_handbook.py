"""The documents as pages: built without a warning, nothing from a network, as other readers of Markdown show them."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from pydantic import BaseModel

from gateway.cli import command_reference
from gateway.config import reference
from gateway.config.credentials import known_credentials
from gateway.config.tables import Settings
from gateway.contract import payload_reference
from tests.docs.test_documents import ROOT

DOCS = ROOT / "docs"
EXAMPLES = (DOCS / "every-key.toml").read_text(encoding="utf-8")
SOURCES = {"index": ROOT / "README.md", "changelog": ROOT / "CHANGELOG.md"}
ELEMENTS = ("li", "ol", "ul", "pre", "table", "tr", "h2", "h3")
_FROM_OUTSIDE = re.compile(
    r"""(?:\bsrc|<link[^>]*\bhref)=["'](?:https?:)?//[^"']*|@import[^;]*//|url\(["']?(?:https?:)?//"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("handbook")
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr + built.stdout
    return folder


def pages(site):
    return [page for page in sorted(site.glob("*.html")) if page.stem != "404"]


def elements(html):
    return {name: len(re.findall(rf"<{name}[ >]", html)) for name in ELEMENTS}


def test_nothing_on_a_page_comes_from_a_network(site):
    shown = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert len(shown) > 20
    assert {file.name: hits for file in shown if (hits := _FROM_OUTSIDE.findall(file.read_text("utf-8")))} == {}
    # the theme's own script would fetch these two, where a page has what needs them
    assert [page.name for page in pages(site) if 'class="mermaid"' in page.read_text("utf-8")] == []


def test_lists_tables_and_blocks_are_those_of_the_documents(site):
    reader = MarkdownIt("commonmark").enable("table")
    wrong = {}
    for page in pages(site):
        wanted = elements(reader.render(SOURCES.get(page.stem, DOCS / f"{page.stem}.md").read_text(encoding="utf-8")))
        html = page.read_text(encoding="utf-8")
        shown = elements(html[html.index("<article") : html.index("</article>")])
        wrong |= {page.stem: (wanted, shown)} if wanted != shown else {}
    assert wrong == {}


def test_every_page_is_there(site):
    assert {page.stem for page in pages(site)} == {*SOURCES, *(file.stem for file in DOCS.glob("*.md"))}
    assert (site / "every-key.toml").read_text(encoding="utf-8") == EXAMPLES


def test_every_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    named = set(re.findall(r": (\S+\.md)$", navigation, re.MULTILINE))
    assert named == {f"{name}.md" for name in SOURCES} | {file.name for file in DOCS.glob("*.md")}


def test_the_references_are_current():
    page = (DOCS / "configuration.md").read_text(encoding="utf-8")
    assert page == reference.refreshed(page, EXAMPLES), "make configuration writes it again"
    page = (DOCS / "payload-reference.md").read_text(encoding="utf-8")
    assert page == payload_reference.refreshed(page), "make schemas writes it again"
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    assert page == command_reference.refreshed(page), "make manual writes it again"


def keys(table: type[BaseModel]) -> set[str]:
    """Return the keys of a table that hold no table themselves."""
    inner = {name for name, info in table.model_fields.items() if "Table" in str(info.annotation)}
    return set(table.model_fields) - inner


def test_the_file_of_examples_can_be_read_and_has_every_key():
    settings = Settings.model_validate(tomllib.loads(EXAMPLES))
    for table in reference.tables(Settings):
        title, _about = reference.title_of(table)
        example = reference.example_of(title, EXAMPLES)
        missing = {key for key in keys(table) if not re.search(rf"^(# )?{key} = ", example, re.MULTILINE)}
        assert missing == set(), f"{title} in docs/every-key.toml has no {missing}"
    documented = (DOCS / "installation.md").read_text(encoding="utf-8")
    users = settings.opcua_server.users
    for name in known_credentials(settings):
        if name in {f"i3x_{client}_token" for client in settings.i3x.clients}:
            name = "i3x_<client>_token"  # noqa: PLW2901 - as it is documented
        if name in {f"opcua_server_{user}_password" for user in users}:
            name = "opcua_server_<user>_password"  # noqa: PLW2901 - as it is documented
        kind, _, part = name.partition("_")
        general = {"opcua": "opcua_<name>", "sink": "sink_<name>", "notify": "notify_<name>", "mes": "mes_pull",
                   "copilot": "copilot_phrasing"}.get(kind)  # fmt: skip
        part = part.removeprefix(f"{part.split('_')[0]}_")
        assert f"`{name}`" in documented or (general and re.search(rf"`({general})?_{re.escape(part)}`", documented)), (
            name
        )


def test_every_key_has_a_meaning():
    unexplained = [
        f"{reference.title_of(table)[0]} {key}"
        for table in reference.tables(Settings)
        for key in keys(table)
        if not table.model_fields[key].description
    ]
    assert unexplained == []
