"""What customers require of a certificate of analysis: one requirement for each customer and product."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.records.laboratory import ResultStatus


class BelowLimit(StrEnum):
    """How a result such as ``<0.05`` is reported."""

    AS_WRITTEN = "as_written"
    NOT_DETECTED = "not_detected"  # in words, with the number behind them
    BELOW_LOQ = "below_loq"  # as below the limit of quantitation, where the laboratory names one


class Reported(StrEnum):
    """Which value is reported of a test with several results; each of them must comply."""

    SINGLE = "single"  # there may be one only
    MEAN = "mean"
    WORST = "worst"  # the one nearest to a limit, or farthest beyond it
    NEWEST = "newest"  # the sample drawn last


class Compared(StrEnum):
    """What is compared with the limits."""

    BOTH = "both"  # the measured value, and the one that is printed
    ROUNDED = "rounded"  # the printed one alone


class Rounding(StrEnum):
    """How half is rounded."""

    HALF_UP = "half_up"  # away from zero (USP General Notices 7.20)
    HALF_EVEN = "half_even"  # to the even digit (ISO 80000-1)


@dataclass(frozen=True, kw_only=True, slots=True)
class RequiredTest:
    """A test as a customer wants to read it. Without limits of its own the plant's specification in force counts.

    ``required``: no certificate is signed without it; else it is there for information, and without limits.
    """

    analyte: str
    name: str
    method: str | None = None
    lower: float | None = None
    upper: float | None = None
    inclusive: bool = True
    accepts: tuple[str, ...] = ()
    unit: str | None = None
    assume_unit: bool = False
    decimals: int | None = None
    rounding: Rounding = Rounding.HALF_UP
    below: BelowLimit = BelowLimit.AS_WRITTEN
    reported: Reported = Reported.SINGLE
    compared: Compared = Compared.BOTH
    required: bool = True

    @property
    def has_limits(self) -> bool:
        """Return whether the customer states limits, so that the plant's own do not count."""
        return self.lower is not None or self.upper is not None or bool(self.accepts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirement:
    """What a customer requires of the certificates of a product. ``key``: the name of its file; ``sha256``: of it."""

    key: str
    sha256: str
    customer: str
    customer_name: str
    product: str
    product_name: str
    tests: tuple[RequiredTest, ...]
    address: tuple[str, ...] = ()
    email: tuple[str, ...] = ()
    specification: str | None = None
    version: str | None = None
    language: str = "en"
    template: str = "standard"
    status: ResultStatus = ResultStatus.VALIDATED
    release_needs_certificate: bool = False
    over_open_points: bool = False

    def applies(self, product: str | None, client_id: str | None) -> bool:
        """Return whether it is for lots of a product; to a client's lots only the client's own applies."""
        return product == self.product and client_id in {None, self.customer}


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateRules:
    """How certificates are made. ``logo``: as a data URI; ``templates``: by name, what the plant has written itself."""

    requirements: tuple[Requirement, ...] = ()
    plant_name: str = ""
    plant_address: tuple[str, ...] = ()
    logo: str | None = None
    templates: tuple[tuple[str, str], ...] = ()
    mail: str | None = None  # the target of [notify] whose server sends them

    def applying(self, product: str | None, client_id: str | None) -> tuple[Requirement, ...]:
        """Return the requirements that apply to a lot."""
        return tuple(item for item in self.requirements if item.applies(product, client_id))

    def of_customer(self, product: str | None, customer: str) -> Requirement | None:
        """Return a customer's requirement of a product."""
        meant = (item for item in self.requirements if (item.product, item.customer) == (product, customer))
        return next(meant, None)

    @property
    def hold_back(self) -> bool:
        """Return whether any release waits for a signed certificate."""
        return any(item.release_needs_certificate for item in self.requirements)


NO_CERTIFICATES = CertificateRules()
