"""``[certificates]`` and the files of requirements: what is wrong is named with file and line."""

import pytest

from gateway.config.file_in_force import ConfigurationFile
from gateway.config.line_definition import define_line
from gateway.config.reading import read
from gateway.errors import ConfigurationError
from gateway.line.certificates import BelowLimit, Reported

LINE = """
[site]
enterprise = "acme"
site = "lyon"
area = "polymers"
line = "line-1"
[store]
directory = "/tmp/x"
[mqtt]
host = "broker.local"
client_id = "labline-line-1"
[[specification]]
product = "FG-100"
analyte = "viscosity"
lower = 95
upper = 105
unit = "mPa.s"
[lims.analytes]
"Water" = "water"
[certificates]
requirements = "requirements"
plant_name = "Acme Lyon"
"""
GOOD = """customer = "C-1"
product = "FG-100"

[[test]]
analyte = "viscosity"
unit = "mPa.s"
decimals = 1

[[test]]
analyte = "water"
upper = 500
unit = "mg/kg"
below = "not_detected"
report = "mean"
"""


def configured(folder, requirement=GOOD, line=LINE, **files):
    (folder / "requirements").mkdir(exist_ok=True)
    (folder / "requirements" / "c-1.toml").write_text(requirement)
    for name, text in files.items():
        place = folder / name.replace("__", "/").replace("_html", ".html").replace("_toml", ".toml")
        place.parent.mkdir(exist_ok=True)
        place.write_text(text)
    path = folder / "labline.toml"
    path.write_text(line)
    return path


def defined(path):
    settings, _sha256 = read(path)
    return define_line(settings, path=path)


def problems(path):
    with pytest.raises(ConfigurationError) as caught:
        defined(path)
    return caught.value.problems


def test_a_requirement_is_read_whole(tmp_path):
    rules = defined(configured(tmp_path)).certificates
    (known,) = rules.requirements
    assert (known.key, known.customer_name, known.product_name, known.language) == ("c-1", "C-1", "FG-100", "en")
    assert [test.name for test in known.tests] == ["viscosity", "water"]
    assert (known.tests[1].below, known.tests[1].reported) == (BelowLimit.NOT_DETECTED, Reported.MEAN)
    assert len(known.sha256) == 64


@pytest.mark.parametrize(
    ("before", "after", "place", "message", "hint"),
    [
        ('analyte = "viscosity"', 'analyte = "viscosty"', "test[1].analyte (line 5)", "no test", "mean viscosity?"),
        ('unit = "mPa.s"', 'unit = "kg"', "test[1].unit (line 6)", "another kind than mPa.s", "converts to"),
        ('unit = "mg/kg"', 'unit = "blobs"', "test[2].unit (line 12)", "no known unit", "docs/laboratory.md"),
        ("upper = 500", "upper = 500\nlower = 600", "test[2] (line 9)", "lower 600 is above upper 500", ""),
        ("upper = 500", "uper = 500", "test[2].uper (line 11)", "no key", "did you mean upper?"),
        ("upper = 500\n", "", "test[2].analyte (line 10)", "has no limits", "required = false"),
        ("decimals = 1", "decimals = 99", "test[1].decimals (line 7)", "at most 9", ""),
        ('below = "not_detected"', 'below = "no"', "test[2].below (line 13)", "must be", "as_written"),
        ('product = "FG-100"', 'template = "ours"\nproduct = "FG-100"', "template (line 2)", "no template", "standard"),
        ('customer = "C-1"\n', "", "customer", "is missing", "client_id"),
        ('analyte = "water"', 'analyte = "viscosity"', "", "two [[test]] tables", ""),
        ("[[test]]", "[[test]", "", "is not TOML", "bracket"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_requirement_is_named_with_its_line(tmp_path, before, after, place, message, hint):
    (problem, *_others) = problems(configured(tmp_path, GOOD.replace(before, after, 1)))
    assert problem.file.endswith("requirements/c-1.toml")
    assert problem.key == place
    assert message in problem.message
    assert hint in problem.hint


def test_two_files_for_one_customer_and_product_are_refused(tmp_path):
    (problem,) = problems(configured(tmp_path, requirements__c_2_toml=GOOD))
    assert "already has a requirement of FG-100 in c-1.toml" in problem.message


def test_a_folder_that_is_not_there_or_empty_is_named(tmp_path):
    path = configured(tmp_path)
    (tmp_path / "requirements" / "c-1.toml").unlink()
    assert "has no .toml file" in problems(path)[0].message
    (tmp_path / "requirements").rmdir()
    assert "is no folder" in problems(path)[0].message


def test_a_template_that_fails_is_refused_with_its_line(tmp_path):
    with_templates = LINE + 'templates = "templates"\n'
    good = "<p>{{ number }}</p>\n{% for row in rows %}{{ row.name }}{% endfor %}"
    requirement = GOOD.replace("product", 'template = "ours"\nproduct', 1)
    path = configured(tmp_path, requirement, with_templates, templates__ours_html=good)
    assert dict(defined(path).certificates.templates) == {"ours": good}
    for text, message in (
        ("<p>\n{{ nothing.here }}</p>", "line 2: UndefinedError"),
        ("<p>\n{% for %}</p>", "line 2: TemplateSyntaxError"),
        ('{% include "/etc/passwd" %}', "TemplateNotFound"),
        ("{{ data.__class__.__mro__ }}", "SecurityError"),
        ("{{ number|safe }}", "safe"),
    ):
        (tmp_path / "templates" / "ours.html").write_text(text)
        problem = problems(path)[0]
        assert problem.file.endswith("templates/ours.html")
        assert message in problem.message
        assert "docs/certificates.md" in problem.hint


def test_a_customers_address_needs_a_server_that_sends(tmp_path):
    with_mail = GOOD.replace("product", 'email = ["qa@customer.example"]\nproduct', 1)
    assert "no server sends to it" in problems(configured(tmp_path, with_mail))[0].message
    named = LINE + 'mail = "office"\n'
    assert "no [notify.office] of kind email" in problems(configured(tmp_path, with_mail, named))[0].message
    office = named + '[notify.office]\nkind = "email"\nhost = "mail.example"\nto = ["qa@acme.example"]\n'
    assert defined(configured(tmp_path, with_mail, office)).certificates.mail == "office"


def test_a_logo_is_a_picture(tmp_path):
    with_logo = LINE + 'logo = "logo.svg"\n'
    path = configured(tmp_path, GOOD, with_logo)
    assert "cannot be read" in problems(path)[0].message
    (tmp_path / "logo.svg").write_text("text")
    assert "is no picture" in problems(path)[0].message
    (tmp_path / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    assert defined(path).certificates.logo.startswith("data:image/svg+xml;base64,")


def test_a_reload_sees_a_changed_requirement(tmp_path):
    path = configured(tmp_path)
    file = ConfigurationFile(path)
    assert file.read_again().changed == ()
    (tmp_path / "requirements" / "c-1.toml").write_text(GOOD + "decimals = 2\n")
    again = file.read_again()
    assert (again.changed, again.need_restart()) == (("certificates",), ())
    again.take()
    assert file.read_again().changed == ()
