"""docs/sparkplug.md names for each rule that is kept a test that exists."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"\| `(tck-id-[\w-]+)` \| (yes|no: [^|]+) \| (?:`(test_\w+)`)? ?\|")
RULES_OF_3_0_0 = 299


def test_every_rule_of_sparkplug_is_kept_by_a_test_that_exists_or_says_why_it_does_not_apply():
    lines = (ROOT / "docs" / "sparkplug.md").read_text(encoding="utf-8").splitlines()
    rows = [ROW.fullmatch(line) for line in lines if line.startswith("| `tck-id-")]
    assert None not in rows
    assert len({row[1] for row in rows}) == len(rows) == RULES_OF_3_0_0
    files = (
        file
        for folder in ("publish", "contract", "store")
        for file in (ROOT / "tests" / folder).glob("test_sparkplug*.py")
    )
    tests = {
        node.name
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {row[3] for row in rows if row[2] == "yes"} <= tests
    assert all((row[3] is None) == row[2].startswith("no: ") for row in rows)
