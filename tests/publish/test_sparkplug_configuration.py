"""``[sparkplug]``: which ids can be topics, and whose broker and credentials it uses."""

import pytest

from gateway.config.checks import contradictions
from gateway.config.reading import read
from gateway.config.sparkplug import node_options
from gateway.errors import ConfigurationError

BARE = """[site]
enterprise = "acme"
site = "lyon"
area = "polymers"
line = "line-1"

[store]
directory = "store"

[mqtt]
host = "broker.local"
port = 1883
tls = false
client_id = "labline"
"""
NODE = '\n[sparkplug]\ngroup_id = "lyon"\nedge_node_id = "line-1"\n'
MODEL = '\n[[model]]\nbundle = "models/{0}"\nequipment = "{0}"\n'


@pytest.fixture
def settings(tmp_path):
    def written(text):
        file = tmp_path / "labline.toml"
        file.write_text(text)
        told = read(file)[0]
        problems = contradictions(file, told)
        if problems:
            raise ConfigurationError(tuple(problems))
        return told

    return written


def refusal(settings, text):
    with pytest.raises(ConfigurationError) as raised:
        settings(text)
    return " ".join(f"{problem.key} {problem.message}" for problem in raised.value.problems)


@pytest.mark.parametrize("wrong", ["", "a/b", "a+", "#", "a\\u0000b", "a\\nb", " a", "STATE", "x" * 65])
@pytest.mark.parametrize("key", ["group_id", "edge_node_id"])
def test_ids_have_no_character_that_a_topic_may_not_have_and_are_told_apart_without_capitals(settings, key, wrong):
    text = NODE.replace('"lyon"' if key == "group_id" else '"line-1"', f'"{wrong}"')
    assert f"sparkplug.{key}" in refusal(settings, BARE + text)
    same = refusal(settings, BARE + NODE + MODEL.format("R1") + MODEL.format("r1"))
    assert "R1 and r1 differ only in capitals" in same


def test_the_broker_is_that_of_the_line_unless_the_table_names_another(settings):
    assert node_options(settings(BARE)) is None
    options = node_options(settings(BARE + NODE))
    assert (options.address.host, options.address.port, options.client_id) == (
        "broker.local", 1883, "labline-sparkplug",
    )  # fmt: skip
    other = node_options(settings(BARE + NODE + 'host = "scada.local"\nport = 1884\nclient_id = "edge"\n'))
    assert (other.address.host, other.address.port, other.client_id) == ("scada.local", 1884, "edge")


def test_a_client_id_that_would_take_over_the_lines_own_sessions_is_refused(settings):
    for taken in ("labline", "labline-in"):
        assert "sparkplug.client_id" in refusal(settings, BARE + NODE + f'client_id = "{taken}"\n')
