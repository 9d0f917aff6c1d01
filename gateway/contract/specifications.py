"""Specifications that master data states by message: one version of one product's analyte, or its withdrawal.

What is accepted here is kept and read again with each result of its product, so nothing passes that would not come back
as it is: every number is finite, and so is every limit that follows from it.
"""

from collections.abc import Collection

from pydantic import TypeAdapter

from gateway.contract.field_reader import FieldReader
from gateway.contract.json_documents import echo, is_non_finite, parse_object
from gateway.contract.lims.field_spellings import spellings_of
from gateway.contract.lims.names import normalised
from gateway.contract.lims.numbers import is_finite_percent, number_text
from gateway.contract.lims.qualitative import MOST_TEXTS, flattened, list_problem
from gateway.contract.lims.unreadable_messages import named_texts, the_only_one
from gateway.contract.refusals import MessageRefusedError, Refusal, RefusalText, refusal_text
from gateway.contract.unread_specification_fields import suggestion, unread_fields
from gateway.records.laboratory import Bands, ProductReference, ResultReference, Specification

_MOST_DECIMALS = 9
_MOST_PRODUCTS = 50  # of one message that cannot be read
_SOURCE = "master_data"
_NAMES = {
    "product": frozenset(spellings_of("material_definition_id")),
    "analyte": frozenset((*spellings_of("analyte"), *spellings_of("test_id"))),
    "version": frozenset({"version", "specificationversion"}),
}
_KEPT = TypeAdapter(Specification)


def stated_specification(payload: bytes, *, now_ns: int, ignore: Collection[str] = ()) -> tuple[Specification, bool]:
    """Return (a specification, whether it is withdrawn); ``ignore``: unmapped fields and that do not matter.

    Raises MessageRefusedError with every reason, and with what the message names of a product.
    """
    try:
        reader = FieldReader(parse_object(payload), now_ns)
    except MessageRefusedError as error:
        raise MessageRefusedError(error.reasons, about=_about_unread(payload)) from error
    withdrawn = reader.flag("withdrawn", default=False)
    specification = _specification(reader)
    if not withdrawn:
        _check_limits(reader, specification)
        _check_texts(reader, specification)
        _check_unread(reader, ignore)
    if not reader.reasons and _KEPT.validate_json(_KEPT.dump_json(specification)) != specification:
        reader.refuse(Refusal.OUT_OF_RANGE, refusal_text(RefusalText.SPECIFICATION_NOT_KEPT))
    if reader.reasons:
        raise MessageRefusedError(tuple(reader.reasons), about=_about(reader, specification, payload))
    return specification, withdrawn


def _specification(reader: FieldReader) -> Specification:
    """Return the specification in the fields of a message, as far as they can be read."""
    lower, upper = reader.number("lower"), reader.number("upper")
    target, decimals = reader.number("target"), reader.whole("decimals", at_least=0)
    return Specification(
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
        accepts=_texts(reader, "accepts"),
        rejects=_texts(reader, "rejects"),
        non_negative=_side(reader, "non_negative"),
        assume_unit=reader.flag("assume_unit", default=False),
    )


def _check_unread(reader: FieldReader, ignore: Collection[str]) -> None:
    """Refuse a specification with unmapped fields, where they could change by what lots are judged."""
    for name, value in unread_fields(reader.document, ignore=ignore):
        text = refusal_text(
            RefusalText.NOTHING_READS_IN_SPECIFICATION, field=echo(name), value=echo(value), suggestion=suggestion(name)
        )
        reader.refuse(Refusal.UNMAPPED_FIELD, text, field=echo(name), found=echo(value))


def reference_to_specification(specification: Specification) -> ResultReference:
    """Return for which product's lots a specification speaks, where it cannot be taken as it is."""
    product = ProductReference(
        product=specification.product,
        analyte=specification.analyte,
        client_id=specification.client_id,
        version=specification.version,
        from_ns=specification.effective_from_ns,
        may_require=specification.required,
    )
    return ResultReference(source=_SOURCE, products=(product,))


def _about(reader: FieldReader, specification: Specification, payload: bytes) -> ResultReference | None:
    """Return what can be read of a specification that is refused: what it leaves open may be anything."""
    named = _named(payload)
    product = ProductReference(
        product=specification.product or the_only_one(named["product"]),
        analyte=specification.analyte or the_only_one(named["analyte"]),
        client_id=specification.client_id,
        version=specification.version,
        from_ns=specification.effective_from_ns,
        may_require=reader.document.get("required") not in (None, False),
    )
    return _reference((product,))


def _about_unread(payload: bytes) -> ResultReference | None:
    """Return of which products a message speaks that is no object of JSON, by its fields' names alone."""
    named = _named(payload)
    products: dict[str | None, None] = {normalised(name): None for name in named["product"]} or {None: None}
    return _reference(
        tuple(
            ProductReference(
                product=product,
                analyte=the_only_one(named["analyte"]),
                version=the_only_one(named["version"]),
            )
            for product in list(products)[:_MOST_PRODUCTS]
        )
    )


def _named(payload: bytes) -> dict[str, list[str]]:
    return named_texts(payload, _NAMES)


def _reference(products: tuple[ProductReference, ...]) -> ResultReference | None:
    """Return a reference to products; None where neither a product nor an analyte is named, so that no lot is meant."""
    known = tuple(product for product in products if product.product is not None or product.analyte is not None)
    return ResultReference(source=_SOURCE, products=known) if known else None


def _texts(reader: FieldReader, name: str) -> tuple[str, ...]:
    stated = reader.document.get(name)
    texts = () if stated is None else flattened(stated)
    if texts is None:
        text = refusal_text(RefusalText.MUST_BE_TEXTS, field=name, most=MOST_TEXTS)
        reader.refuse(Refusal.WRONG_TYPE, text, field=name)
    elif not all(_is_text(text) for text in texts):
        reader.refuse(Refusal.NOT_TEXT, refusal_text(RefusalText.FIELD_NO_TEXT, field=name), field=name)
    return texts or ()


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _side(reader: FieldReader, name: str) -> bool | None:
    return reader.flag(name, default=True) if reader.document.get(name) is not None else None


def _bands(reader: FieldReader, target: float | None) -> Bands | None:
    within = reader.nested("bands")
    if within is None:
        return None
    if not target:
        reader.refuse(Refusal.MISSING, refusal_text(RefusalText.TARGET_MISSING))
    return Bands(release=_pair(within, "release"), review=_pair(within, "review"))


def _pair(reader: FieldReader, name: str) -> tuple[float, float]:
    stated = reader.document.get(name)
    if not isinstance(stated, list) or len(stated) != 2 or any(isinstance(item, bool) for item in stated):  # noqa: PLR2004
        _refuse_pair(reader, name)
        return 0.0, 0.0
    numbers = [item for item in stated if isinstance(item, int | float) or is_non_finite(item)]
    known = [reader.finite(f"bands.{name}", number) for number in numbers]
    if None in known:
        return 0.0, 0.0  # the reader has noted the reason
    pair = tuple(number for number in known if number is not None)
    if len(pair) == 2 and pair[0] < pair[1]:  # noqa: PLR2004
        return pair
    _refuse_pair(reader, name)
    return 0.0, 0.0


def _refuse_pair(reader: FieldReader, name: str) -> None:
    field = f"bands.{name}"
    reader.refuse(Refusal.WRONG_TYPE, refusal_text(RefusalText.MUST_BE_PAIR, field=field), field=field)


def _check_limits(reader: FieldReader, specification: Specification) -> None:
    lower, upper = specification.lower, specification.upper
    from_ns, until_ns = specification.effective_from_ns, specification.effective_until_ns
    if lower is None and upper is None and not specification.accepts:
        reader.refuse(Refusal.SPECIFICATION_EMPTY, refusal_text(RefusalText.LIMITS_AND_TEXTS_MISSING))
    elif lower is not None and upper is not None and lower > upper:
        limits = refusal_text(RefusalText.LIMITS_REVERSED, lower=number_text(lower), upper=number_text(upper))
        reader.refuse(Refusal.SPECIFICATION_REVERSED, limits, lower=lower, upper=upper)
    if from_ns is not None and until_ns is not None and from_ns >= until_ns:
        text = refusal_text(RefusalText.VALIDITY_REVERSED)
        reader.refuse(Refusal.OUT_OF_RANGE, text, field="effective_until")
    if specification.bands is not None and specification.target is not None:
        _check_band_limits(reader, specification.bands, specification.target)


def _check_band_limits(reader: FieldReader, bands: Bands, target: float) -> None:
    """Refuse bands whose limits, in the unit of the target, are too large for a number."""
    for name, pair in (("release", bands.release), ("review", bands.review)):
        if not all(is_finite_percent(target, percent) for percent in pair):
            field = f"bands.{name}"
            reader.refuse(Refusal.OUT_OF_RANGE, refusal_text(RefusalText.BAND_TOO_LARGE, field=field), field=field)


def _check_texts(reader: FieldReader, specification: Specification) -> None:
    problem = list_problem(specification.accepts, specification.rejects)
    if problem is not None:
        text = refusal_text(RefusalText.LISTS_UNUSABLE, problem=problem)
        reader.refuse(Refusal.OUT_OF_RANGE, text, field="accepts")
