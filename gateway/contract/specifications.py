"""Specifications that master data states by message: one version of one product's analyte, or its withdrawal."""

from gateway.contract.reading import FieldReader, Refusal, parse_object
from gateway.records import Bands, Specification

_MOST_DECIMALS = 9


def stated_specification(payload: bytes, *, now_ns: int) -> tuple[Specification, bool]:
    """Return (a specification, whether it is withdrawn); raises MessageRefusedError with every reason."""
    reader = FieldReader(parse_object(payload), now_ns)
    withdrawn = reader.flag("withdrawn", default=False)
    lower, upper = reader.number("lower"), reader.number("upper")
    target, decimals = reader.number("target"), reader.whole("decimals", at_least=0)
    specification = Specification(
        product=reader.text("material_definition_id", "product", required=True),
        analyte=reader.text("analyte", required=True) or "",
        version=reader.text("version", required=True),
        client_id=reader.text("client_id"),
        lower=lower,
        upper=upper,
        target=target,
        unit=reader.text("unit"),
        inclusive=reader.flag("inclusive", default=True),
        lower_inclusive=_side(reader, "lower_inclusive"),
        upper_inclusive=_side(reader, "upper_inclusive"),
        decimals=None if decimals is None else min(decimals, _MOST_DECIMALS),
        bands=_bands(reader, target),
        effective_from_ns=reader.time("effective_from", ahead=True),
        effective_until_ns=reader.time("effective_until", ahead=True),
        required=reader.flag("required", default=False),
    )
    if not withdrawn:
        _check_limits(reader, specification)
    reader.finish()
    return specification, withdrawn


def _side(reader: FieldReader, name: str) -> bool | None:
    return reader.flag(name, default=True) if reader.document.get(name) is not None else None


def _bands(reader: FieldReader, target: float | None) -> Bands | None:
    within = reader.nested("bands")
    if within is None:
        return None
    if not target:
        reader.refuse(Refusal.MISSING, "bands are percent of target, and there is no target other than 0.")
    return Bands(release=_pair(within, "release"), review=_pair(within, "review"))


def _pair(reader: FieldReader, name: str) -> tuple[float, float]:
    found = reader.document.get(name)
    if isinstance(found, list) and len(found) == 2 and all(type(each) in {int, float} for each in found):  # noqa: PLR2004
        low, high = float(found[0]), float(found[1])
        if low < high:
            return low, high
    reader.refuse(Refusal.WRONG_TYPE, f"bands.{name} must be [low, high] in percent of target.", field=f"bands.{name}")
    return 0.0, 0.0


def _check_limits(reader: FieldReader, specification: Specification) -> None:
    lower, upper = specification.lower, specification.upper
    from_ns, until_ns = specification.effective_from_ns, specification.effective_until_ns
    if lower is None and upper is None:
        reader.refuse(Refusal.SPECIFICATION_EMPTY, "The specification has neither lower nor upper.")
    elif lower is not None and upper is not None and lower > upper:
        text = f"The specification's lower limit {lower:g} is above its upper limit {upper:g}."
        reader.refuse(Refusal.SPECIFICATION_REVERSED, text, lower=lower, upper=upper)
    if from_ns is not None and until_ns is not None and from_ns >= until_ns:
        reader.refuse(Refusal.OUT_OF_RANGE, "effective_until is not after effective_from.", field="effective_until")
