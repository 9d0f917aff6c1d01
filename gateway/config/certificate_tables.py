"""``[certificates]``, and the files that say what a customer requires of the certificates of a product."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from gateway.config.forms import Foreign, Name, Table, Texts, Unit
from gateway.contract.lims.numbers import number_text
from gateway.contract.lims.qualitative import list_problem
from gateway.line.certificates import BelowLimit, Compared, Reported, RequiredTest, Requirement, Rounding
from gateway.records.laboratory import ResultStatus

Language = Literal["en", "de"]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Address = Annotated[str, StringConstraints(pattern=r"^[^@\s,;<>]+@[^@\s,;<>]+$", max_length=254)]
_MOST_TESTS = 200


class CertificatesTable(Table):
    """``[certificates]``: certificates of analysis for customers."""

    requirements: Path | None = Field(
        default=None,
        description="a folder of .toml files, one for each customer and product; without it no certificates",
    )
    plant_name: str = Field(default="", max_length=200, description="the plant's name, as certificates print it")
    plant_address: list[Line] = Field(default_factory=list, max_length=8, description="the lines of its address")
    logo: Path | None = Field(default=None, description="the plant's logo: a PNG, JPEG or SVG file")
    language: Language = Field(default="en", description="the language of certificates whose file names none: en or de")
    templates: Path | None = Field(
        default=None, description="a folder with templates of the plant's own: NAME.html, which files name by template"
    )
    mail: Name | None = Field(
        default=None,
        description="the [notify.<name>] of kind email by whose server certificates are sent to customers",
    )


class TestTable(Table):
    """``[[test]]``: a test on the certificate, in the order in which it is printed."""

    __test__ = False  # no test of the suite

    analyte: Name = Field(description="our name of the analyte, as in [[specification]] or [lims.analytes]")
    name: Line | None = Field(default=None, description="what the certificate calls it; without it the analyte")
    method: Line | None = Field(default=None, description="the method that is printed; without it as results state it")
    lower: float | None = Field(default=None, description="the customer's lower limit, a number")
    upper: float | None = Field(default=None, description="the customer's upper limit, a number")
    inclusive: bool = Field(default=True, description="whether a value on a limit is inside: true or false")
    accepts: Texts = Field(default=(), description='results in words that comply, such as ["absent"]')
    unit: Unit | None = Field(default=None, description="the unit that is printed, and of the limits")
    assume_unit: bool = Field(default=False, description="whether a number without a unit is in this unit")
    decimals: int | None = Field(default=None, ge=0, le=9, description="to how many decimals values are rounded")
    rounding: Rounding = Field(default=Rounding.HALF_UP, description="how half is rounded: half_up or half_even")
    below: BelowLimit = Field(
        default=BelowLimit.AS_WRITTEN, description="how <0.05 is printed: as_written, not_detected or below_loq"
    )
    report: Reported = Field(
        default=Reported.SINGLE, description="which of several results is printed: single, mean, worst or newest"
    )
    compare: Compared = Field(
        default=Compared.BOTH, description="what must lie inside: both (measured and printed) or rounded (printed)"
    )
    required: bool = Field(
        default=True, description="false: for information, so it may be missing, and needs no limits"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ValueError(f"lower {number_text(self.lower)} is above upper {number_text(self.upper)}")
        problem = list_problem(self.accepts, ())
        if problem is not None:
            raise ValueError(problem)
        return self

    def required_test(self) -> RequiredTest:
        """Return what the customer wants to read of the test."""
        return RequiredTest(
            analyte=self.analyte, name=self.name or self.analyte, method=self.method, lower=self.lower,
            upper=self.upper, inclusive=self.inclusive, accepts=self.accepts, unit=self.unit,
            assume_unit=self.assume_unit, decimals=self.decimals, rounding=self.rounding, below=self.below,
            reported=self.report, compared=self.compare, required=self.required,
        )  # fmt: skip


class RequirementTable(Table):
    """A file of requirements: what a customer requires of the certificates of a product."""

    customer: Foreign = Field(description="the customer, as production names its clients (client_id)")
    name: Line | None = Field(default=None, description="the customer's name as it is printed; without it customer")
    address: list[Line] = Field(default_factory=list, max_length=8, description="the lines of the customer's address")
    email: list[Address] = Field(default_factory=list, max_length=10, description="who gets the signed certificate")
    product: Foreign = Field(description="the product, as messages name it in material_definition_id")
    product_name: Line | None = Field(default=None, description="the product's name as it is printed")
    specification: Line | None = Field(default=None, description="the name of the customer's specification")
    version: Line | None = Field(default=None, description="its version")
    language: Language | None = Field(default=None, description="en or de; without it as [certificates] says")
    template: Name = Field(default="standard", description="standard, or a template of the plant's own")
    status: Literal[ResultStatus.VALIDATED, ResultStatus.APPROVED] = Field(
        default=ResultStatus.VALIDATED, description="how far results must have come: validated or approved"
    )
    release_needs_certificate: bool = Field(
        default=False, description="whether other systems learn of a release only once this certificate is signed"
    )
    over_open_points: bool = Field(
        default=False, description="whether it may be signed of a lot that was released over open points"
    )
    test: list[TestTable] = Field(min_length=1, max_length=_MOST_TESTS, description="the tests, in their order")

    @model_validator(mode="after")
    def _once(self) -> Self:
        analytes = [test.analyte for test in self.test]
        twice = next((name for name in analytes if analytes.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice} has two [[test]] tables")
        return self

    def requirement(self, *, key: str, sha256: str, language: str) -> Requirement:
        """Return the requirement of a file."""
        return Requirement(
            key=key, sha256=sha256, customer=self.customer, customer_name=self.name or self.customer,
            product=self.product, product_name=self.product_name or self.product,
            tests=tuple(test.required_test() for test in self.test), address=tuple(self.address),
            email=tuple(self.email), specification=self.specification, version=self.version,
            language=self.language or language, template=self.template, status=ResultStatus(self.status),
            release_needs_certificate=self.release_needs_certificate, over_open_points=self.over_open_points,
        )  # fmt: skip
