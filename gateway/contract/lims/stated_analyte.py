"""Which analyte a laboratory states a result of: its name of the test, and our name of what it measures."""

from collections.abc import Mapping

from gateway.contract.json_documents import as_text
from gateway.contract.lims.message_fields import MessageFields
from gateway.contract.lims.names import name_key, normalised


def stated_test(message: MessageFields, analytes: Mapping[str, str]) -> str | None:
    """Return the laboratory's name of the test.

    An id and a name of it may differ where the configuration knows one of them as an analyte, or both as the same.
    """
    names = [normalised(str(as_text(value))) for value in message.located.values("test_id")]
    if len({name_key(name) for name in names}) > 1:
        ours = {configured(analytes, name) for name in names} - {None}
        if len(ours) != 1:
            message.contradicts("test_id")
    return message.reader.text(message.located.name("test_id"), required=True)


def analyte_of(message: MessageFields, analytes: Mapping[str, str], test_id: str) -> str:
    """Return our name of what was measured."""
    names = [as_text(value) for value in message.located.values("test_id")]
    known = (configured(analytes, normalised(name)) for name in names if isinstance(name, str))
    return next((ours for ours in known if ours is not None), test_id)


def configured(analytes: Mapping[str, str], test: str) -> str | None:
    """Return our analyte of a laboratory's test, whatever its case and spaces, or None where none is configured."""
    if test in analytes:
        return analytes[test]
    key = name_key(test)
    return next((ours for theirs, ours in analytes.items() if name_key(theirs) == key), None)
