"""The limits that come with a result."""

from gateway.contract.lims.message_fields import MessageFields
from gateway.contract.refusals import Refusal, RefusalText, refusal_text
from gateway.records.laboratory import Specification


def stated_limits(message: MessageFields, analyte: str, unit: str | None) -> Specification | None:
    """Return the limits that came with the result, or None where none came or none is understood."""
    for name in message.located.names.get("specification", ()):
        # its fields are located already; what is no object is noted here
        if message.reader.nested(name) is not None and not _has_limits(message, name):
            text = refusal_text(RefusalText.LIMITS_MISSING, field=name)
            message.reader.refuse(Refusal.SPECIFICATION_EMPTY, text, field=name)
    lower, upper = message.number("lower"), message.number("upper")
    if lower is None and upper is None:
        return None
    if lower is not None and upper is not None and lower > upper:
        text = refusal_text(RefusalText.LIMITS_REVERSED, lower=f"{lower:g}", upper=f"{upper:g}")
        message.reader.refuse(Refusal.SPECIFICATION_REVERSED, text, lower=lower, upper=upper)
        return None
    inclusive = message.reader.flag(message.located.name("inclusive"), default=True)
    return Specification(
        analyte=analyte,
        lower=lower,
        upper=upper,
        unit=message.name("specification_unit") or unit,
        version=message.name("specification_version"),
        inclusive=inclusive,
        lower_inclusive=_side(message, "lower_inclusive"),
        upper_inclusive=_side(message, "upper_inclusive"),
    )


def _has_limits(message: MessageFields, name: str) -> bool:
    limits = (*message.located.names.get("lower", ()), *message.located.names.get("upper", ()))
    return any(limit.startswith(f"{name}.") for limit in limits)


def _side(message: MessageFields, ours: str) -> bool | None:
    """Return whether one limit is inside, or None where the message does not say it of one alone."""
    return message.reader.flag(message.located.name(ours), default=True) if ours in message.located.names else None
