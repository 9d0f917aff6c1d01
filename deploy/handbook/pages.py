"""What mkdocs needs to know of this repository: the pages that lie outside of docs/, and how its Markdown is written.

README.md is the first page and CHANGELOG.md the last. Links to files outside of docs/ lead to copies. Lists are
indented as CommonMark has it, by the width of their mark; the reader of mkdocs wants four columns, so they are
indented anew.
"""

import re
from pathlib import Path

from markdown_it import MarkdownIt
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
_OUTSIDE = re.compile(r"\]\(\.\./([^)#\s]+)\)")
_TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
_HEADING = re.compile(r"<th[^>]*>(.*?)</th>", re.DOTALL)
_MARK = re.compile(r" *([-*]|\d+[.)]) +(?=\S)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and files that lie outside of docs/."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    home = readme.replace("](docs/", "](").replace("](CHANGELOG.md)", "](changelog.md)")
    pages = {"index.md": home, "changelog.md": (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")}
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    texts = [file.content_string for file in files.documentation_pages()]
    for name in sorted({name for text in texts for name in _OUTSIDE.findall(text)}):
        files.append(File.generated(config, f"files/{name}", content=(ROOT / name).read_bytes()))
    return files


def on_page_markdown(markdown: str, **_more: object) -> str:
    """Return a page as the reader of mkdocs takes it."""
    return indented(_OUTSIDE.sub(r"](files/\1)", markdown))


def on_page_content(html: str, **_more: object) -> str:
    """Return a page whose cells know the heading of their column: on a phone each row is shown as a list of them."""
    return _TABLE.sub(_labelled, html)


def _labelled(table: re.Match[str]) -> str:
    headings = [re.sub(r"<[^>]*>", "", heading).strip() for heading in _HEADING.findall(table[0])]
    names = iter(headings * table[0].count("<tr>"))
    return re.sub(r"<td>", lambda _cell: f'<td data-label="{next(names)}">', table[0])


def indented(markdown: str) -> str:
    """Return a page with its lists, and what stands in them, indented by four columns for each level."""
    lines = markdown.split("\n")
    depths, columns, first = [0] * len(lines), [0] * len(lines), set[int]()
    begin = set[int]()  # the first lines of lists that are in no other
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        if token.type in {"bullet_list_open", "ordered_list_open"} and token.map and not depths[token.map[0]]:
            begin.add(token.map[0])
        if token.type != "list_item_open" or token.map is None:
            continue
        start, end = token.map
        mark = _MARK.match(lines[start], columns[start])
        for at in range(start, end):
            depths[at] += 1
            columns[at] = mark.end() if mark else columns[at]
        first.add(start)
    made: list[str] = []
    for at, line in enumerate(lines):
        if at in begin and made and made[-1]:
            made.append("")
        made.append(_indented(line, depths[at], columns[at], begins=at in first))
    return "\n".join(made)


def _indented(line: str, depth: int, column: int, *, begins: bool) -> str:
    """Return a line of a list's point; ``column``: where the text of the point stands in it."""
    if not line.strip():
        return ""
    if begins:
        return " " * 4 * (depth - 1) + f"{line[:column].rsplit(maxsplit=1)[-1]:<4}{line[column:]}"
    return " " * 4 * depth + line[min(column, len(line) - len(line.lstrip())) :]
