"""Whatever happens in whatever order: what counts as signed was complete, is current, and is of a released lot."""

import random
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from gateway.line.certificates import Reported
from gateway.records.certificates import CertificateState
from gateway.records.lot_decisions import DecisionState, Verdict
from tests.fixtures.certifying import ACME, Certifying
from tests.fixtures.deciding import LOT
from tests.fixtures.store_bench import viscosity

MEAN = replace(ACME.tests[0], reported=Reported.MEAN)
GATING = replace(ACME, tests=(MEAN,), release_needs_certificate=True, over_open_points=True)
_LOTS, _STEPS = 4, 20


class AtRandom:
    """A lot to which things happen; people sign whenever they can, also what they saw a while ago."""

    def __init__(self, bench, chance):
        self.bench = bench
        self.chance = chance
        self.seen = None
        self.versions = {}

    def good(self):
        self.bench.result(viscosity(self.chance.uniform(98, 102), sample_id="S-1", result_version=self._next("S-1")))

    def bad(self):
        self.bench.result(viscosity(130.0, sample_id="S-1", result_version=self._next("S-1")))

    def another_sample(self):
        self.bench.result(viscosity(100.0, sample_id="S-2", result_version=self._next("S-2")))

    def withdrawn_sample(self):
        self.bench.result(viscosity(100.0, sample_id="S-2", result_version=self._next("S-2"), status="rejected"))

    def _next(self, sample):
        self.versions[sample] = self.versions.get(sample, 0) + 1
        return self.versions[sample]

    def material(self):
        self.bench.context("material_consumed", material_lot_id=LOT, consumed_lot_id=f"M-{self.chance.randrange(3)}")

    def ended(self):
        self.bench.context("lot_ended", material_lot_id=LOT, equipment_id="R1")

    def decided(self):
        if self.bench.rows("SELECT 1 FROM disposition"):
            self.bench.decide(self.chance.choice([Verdict.RELEASE, Verdict.RELEASE, Verdict.HOLD]))

    def stricter(self):
        test = replace(MEAN, upper=self.chance.choice([101.0, 105.0]))
        self.bench.requirements(replace(GATING, tests=(test,)))

    def followed_up(self):
        self.bench.follow_up()

    def look(self):
        versions = self.bench.certificates()
        self.seen = self.chance.choice(versions) if versions else None

    def sign(self):
        if self.seen is not None:
            self.bench.sign(self.seen)

    def reissue(self):
        if self.seen is not None:
            self.bench.reissue(self.seen)

    def withdraw(self):
        if self.seen is not None and self.chance.random() < 0.3:
            self.bench.withdraw(self.seen)

    def most_of_it(self):
        """Go the way to a signed certificate, and perhaps leave one part of it out."""
        for part in (self.good, self.ended, self._released, self.followed_up, self.look, self.sign):
            if self.chance.random() < 0.9:
                part()

    def _released(self):
        if self.bench.rows("SELECT 1 FROM disposition"):
            self.bench.decide(Verdict.RELEASE)

    def step(self):
        """Have one of these things happen."""
        usual = [self.good, self.another_sample, self.material, self.ended, self.decided, self.followed_up]
        rare = [self.bad, self.withdrawn_sample, self.stricter, self.reissue, self.withdraw]
        self.chance.choice([*usual, *rare, self.look, self.sign, self.most_of_it, self.most_of_it, self.most_of_it])()


def _holds(bench):
    """Look at everything that counts as signed, once all that follows has been done."""
    bench.follow_up()
    current = {row["result_id"] for row in bench.connection.execute(
        "SELECT result_id FROM lab_result WHERE current = 1 AND material_lot_id = ?", (LOT,))}  # fmt: skip
    valid = [version for version in bench.certificates() if version.state is CertificateState.SIGNED]
    assert len(valid) <= 1
    for version in valid:
        content = version.drafted.content
        assert version.holds
        assert content.complete
        assert {result.result_id for row in content.rows for result in row.results} <= current
        assert all(row.compliance.value == "complies" for row in content.rows)
        decision = bench.decision()
        assert (decision.verdict, decision.state) == (Verdict.RELEASE, DecisionState.STANDS)
    told = bench.rows("SELECT flags FROM (SELECT json_extract(body, '$.flags') AS flags FROM disposition "
                      "WHERE material_lot_id = ? ORDER BY at_ns DESC, rowid DESC LIMIT 1)", LOT)  # fmt: skip
    decision = bench.decision()
    released = decision is not None and (decision.verdict, decision.state) == (
        Verdict.RELEASE, DecisionState.STANDS)  # fmt: skip
    if released and not valid:
        assert "AWAITS_CERTIFICATE" in told[0][0]


def test_no_order_of_events_leaves_a_valid_certificate_of_what_is_not_so():
    signed = 0
    for seed in range(_LOTS):
        with tempfile.TemporaryDirectory() as name:
            bench = Certifying(Path(name), GATING)
            with closing(bench.connection):
                happening = AtRandom(bench, random.Random(seed))
                for _step in range(_STEPS):
                    happening.step()
                    _holds(bench)
                signed += bench.lines("certificate_signed")
    assert signed  # else it would show nothing
