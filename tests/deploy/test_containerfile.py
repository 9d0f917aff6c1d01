"""The container file: what a reviewer looks for, and the image itself where a container engine answers."""

import json
import re

from deploy.packaging.build import debian_architecture
from tests.fixtures.real_parts import REPOSITORY

FILE = REPOSITORY / "deploy" / "Containerfile"
KNOWN = {"FROM", "ARG", "ADD", "RUN", "LABEL", "COPY", "ENV", "USER", "VOLUME", "WORKDIR", "STOPSIGNAL", "HEALTHCHECK",
         "ENTRYPOINT", "CMD"}  # fmt: skip


def instructions():
    """Return (name, arguments), with continued lines joined and comments left out."""
    text = re.sub(r"^\s*#.*\n", "", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = [line for line in re.sub(r"\\\n\s*", " ", text).splitlines() if line.strip()]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def stages():
    found = []
    for name, value in instructions():
        if name == "FROM":
            found.append([])
        if found:
            found[-1].append((name, value))
    return found


def last(name):
    return [value for key, value in stages()[-1] if key == name][-1]


def test_every_instruction_is_one_that_engines_know_and_lists_are_json():
    assert {name for name, _ in instructions()} <= KNOWN
    for name in ("ENTRYPOINT", "CMD", "VOLUME"):
        assert all(isinstance(part, str) for part in json.loads(last(name)))


def test_there_are_two_stages_with_named_bases_and_only_the_installed_program_goes_on():
    build, final = stages()
    bases = [stage[0][1] for stage in (build, final)]
    assert all(re.match(r"docker\.io/library/python:\$\{PYTHON\}-slim-\w+", base) for base in bases)
    assert bases[0].endswith(" AS build")
    assert [value for name, value in final if name in {"COPY", "ADD"}] == ["--from=build /opt/labline /opt/labline"]


def test_it_runs_as_a_user_without_rights_and_writes_only_to_its_volume():
    user, group = last("USER").split(":")
    assert int(user) > 1000 < int(group)
    assert json.loads(last("VOLUME")) == ["/var/lib/labline"]
    names = [name for name, _ in stages()[-1]]
    assert "RUN" not in names[names.index("USER") :]
    assert "PYTHONDONTWRITEBYTECODE=1" in last("ENV")


def test_nothing_is_fetched_while_building_and_no_secret_is_in_it():
    for name, value in instructions():
        assert not (name == "ADD" and "://" in value)
        assert not re.search(r"\b(curl|wget|apt-get|pip install)\b", value)
        assert not (name in {"ARG", "ENV"} and re.search(r"(?i)password|token|_key", value))


def test_the_health_check_asks_the_probe_that_the_gateway_has():
    command = json.loads(last("HEALTHCHECK").split("CMD ", 1)[1])
    compile(command[-1], "healthcheck", "exec")
    (url,) = re.findall(r"HEALTH_URL=(\S+)", last("ENV"))
    assert url.endswith("/healthz")
    monitoring = (REPOSITORY / "deploy" / "labline.toml").read_text(encoding="utf-8")
    assert f'listen = "{url.removeprefix("http://").removesuffix("/healthz")}"' in monitoring


def test_the_entry_point_is_the_launcher_that_the_bundle_installs():
    assert json.loads(last("ENTRYPOINT")) == ["/opt/labline/bin/labline"]
    assert (REPOSITORY / "deploy" / "packaging" / "labline").exists()
    names = re.findall(r"BUNDLE=(\S+)", FILE.read_text(encoding="utf-8"))
    assert names[0].endswith(f"-{debian_architecture()}") or debian_architecture() != "amd64"


def test_the_step_for_pdf_installs_what_the_debian_package_recommends_and_gives_the_rights_back():
    text = (REPOSITORY / "deploy" / "Containerfile.pdf").read_text(encoding="utf-8")
    package = (REPOSITORY / "deploy" / "packaging" / "nfpm.yaml").read_text(encoding="utf-8")
    recommended = re.findall(r"^  - (\S+)", package.split("recommends:\n")[1].split("suggests:")[0], re.MULTILINE)
    installed = re.search(r"--no-install-recommends ([^\\]+)", text)[1].split()
    assert installed == recommended
    assert re.findall(r"^USER (\S+)", text, re.MULTILINE)[-1] == last("USER")
