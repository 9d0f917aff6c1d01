"""A continuous polymerisation reactor as physics: pure, seeded, steppable.

A stirred tank makes an aqueous polymer by free-radical polymerisation; a jacket with a temperature controller
takes the heat away; a neutraliser sets the pH of the buffered product. Balances: monomer, initiator, polymer mass
and its mass-averaged chain length, alkalinity, energy of reactor and jacket. The residence time is 2 s, so that
a lot takes about a minute on the bench: a real reactor does the same, a few hundred times slower.

Disturbances (feed purity, feed acidity, cooling water, fouling) and sensor noise come from random streams of
their own: the same seed gives the same disturbances, whatever is done to the setpoints.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass

GAS_CONSTANT = 8.314  # J/mol/K
REFERENCE_KELVIN = 351.15  # 78 degC, where the rate constants hold

VOLUME_L = 5.0
JACKET_L = 2.5
FEED_FLOW_L_S = 2.5
FEED_MONOMER_MOL_L = 4.4
INITIATOR_MOL_L = 2.5  # in its feed
MONOMER_G_MOL = 72.0
INITIATOR_EFFICIENCY = 0.5
HEAT_OF_REACTION_KJ_MOL = 40.0
HEAT_CAPACITY_KJ_L_K = 3.5
HEAT_TRANSFER_1_S = 0.8  # clean, per reactor heat capacity
JACKET_TRANSFER_1_S = 1.6
NEUTRALISER_MOL_L = 5.0
BUFFER_MOL_L = 0.1
BUFFER_PKA = 7.0
STEP_SECONDS = 0.02

VISCOSITY_REFERENCE = 100.0  # mPa.s at the nominal point, at the laboratory's 25 degC
_POLYMER_EXPONENT, _LENGTH_EXPONENT = 1.0, 2.4


@dataclass(frozen=True, kw_only=True, slots=True)
class TagInfo:
    """A sensor or setpoint: unit, noise (standard deviation), dead band, and whether it may be written."""

    unit: str
    noise: float
    dead_band: float
    writable: bool = False


TAGS: Mapping[str, TagInfo] = {
    "reactor_temperature": TagInfo(unit="degC", noise=0.03, dead_band=0.03),
    "reactor_temperature_setpoint": TagInfo(unit="degC", noise=0.0, dead_band=0.0, writable=True),
    "jacket_temperature": TagInfo(unit="degC", noise=0.05, dead_band=0.05),
    "coolant_inlet_temperature": TagInfo(unit="degC", noise=0.05, dead_band=0.1),
    "coolant_flow": TagInfo(unit="L/s", noise=0.005, dead_band=0.005),
    "feed_flow": TagInfo(unit="L/s", noise=0.005, dead_band=0.005),
    "feed_temperature": TagInfo(unit="degC", noise=0.05, dead_band=0.1),
    "feed_purity": TagInfo(unit="%", noise=0.04, dead_band=0.02),
    "feed_conductivity": TagInfo(unit="mS/cm", noise=0.02, dead_band=0.01),
    "initiator_flow": TagInfo(unit="mL/s", noise=0.1, dead_band=0.05),
    "neutraliser_flow": TagInfo(unit="mL/s", noise=0.1, dead_band=0.1),
    "neutraliser_flow_setpoint": TagInfo(unit="mL/s", noise=0.0, dead_band=0.0, writable=True),
    "agitator_speed": TagInfo(unit="1/min", noise=0.5, dead_band=0.5),
    "agitator_power": TagInfo(unit="kW", noise=0.02, dead_band=0.02),
    "reactor_pressure": TagInfo(unit="bar", noise=0.01, dead_band=0.01),
    "reactor_level": TagInfo(unit="%", noise=0.1, dead_band=0.2),
}
SETPOINTS = tuple(tag for tag, info in TAGS.items() if info.writable)


@dataclass(frozen=True, kw_only=True, slots=True)
class Quality:
    """The truth about the product that leaves the reactor now."""

    viscosity: float  # mPa.s
    ph: float


@dataclass(slots=True)
class _Wander:
    """A level that changes now and then by a ramp, with slow noise around it (Ornstein-Uhlenbeck)."""

    random: random.Random
    spread: float
    hold_seconds: tuple[float, float]
    noise: float
    limit: float
    ramp_seconds: float = 4.0
    _level: float = 0.0
    _target: float = 0.0
    _rate: float = 0.0
    _next_change: float = 12.0
    _slow: float = 0.0

    def step(self, now_seconds: float, dt: float) -> float:
        """Advance and return the deviation."""
        if now_seconds >= self._next_change:
            sign = -1.0 if self._target > 0 else 1.0 if self._target < 0 else self.random.choice((-1.0, 1.0))
            self._target = sign * self.spread * self.random.uniform(0.6, 1.0)
            self._rate = (self._target - self._level) / self.ramp_seconds
            self._next_change = now_seconds + self.random.uniform(*self.hold_seconds)
        left = self._target - self._level
        move = self._rate * dt
        self._level = self._target if abs(move) >= abs(left) else self._level + move
        self._slow += -0.2 * self._slow * dt + self.noise * math.sqrt(dt) * self.random.gauss(0.0, 1.0)
        return max(-self.limit, min(self.limit, self._level + self._slow))


@dataclass(slots=True)
class _State:
    monomer: float = 2.0
    initiator: float = 0.05
    polymer: float = 170.0
    polymer_length: float = 170.0 * 600.0
    alkalinity: float = 0.05
    kelvin: float = REFERENCE_KELVIN
    jacket_kelvin: float = 345.0
    coolant_flow: float = 0.45
    integral: float = 0.0
    neutraliser_flow: float = 50.0
    fouling: float = 0.0


class Plant:
    """The reactor with its controllers, disturbances and sensors."""

    def __init__(self, seed: int, *, settle_seconds: float = 60.0) -> None:
        """The plant comes up settled at its nominal point; then the disturbances begin."""
        self.setpoints = {"reactor_temperature_setpoint": 78.0, "neutraliser_flow_setpoint": 50.0}
        self._purity = _Wander(random.Random(f"{seed}/purity"), 2.0, (22.0, 38.0), noise=0.12, limit=4.0)
        self._acidity = _Wander(random.Random(f"{seed}/acidity"), 0.030, (28.0, 48.0), noise=0.001, limit=0.042)
        self._water = random.Random(f"{seed}/water").uniform(0.0, 2 * math.pi)
        self._initiator = _Wander(random.Random(f"{seed}/initiator"), 1.0, (15.0, 30.0), noise=0.1, limit=2.0)
        self._sensors = random.Random(f"{seed}/sensors")
        self._state = _State()
        self.reported: dict[str, float] = {}
        self.is_still = False  # nothing is disturbed, and what disturbs waits
        self._still_seconds = 0.0
        self._disturbed = dict.fromkeys(("purity", "acidity", "water", "initiator"), 0.0)
        self.now_seconds = -settle_seconds
        self._reference = 1.0
        while self.now_seconds < 0:
            self._balance(STEP_SECONDS)
            self.now_seconds += STEP_SECONDS
        self._reference = self._thickness()

    def step(self, dt: float = STEP_SECONDS) -> None:
        """Advance the plant by ``dt`` seconds."""
        if self.is_still:
            self._still_seconds += dt
        else:
            self._disturb(self.now_seconds - self._still_seconds, dt)
        self._state.fouling = min(0.4, self._state.fouling + 0.0003 * dt)
        self._balance(dt)
        self.now_seconds += dt

    def _disturb(self, now: float, dt: float) -> None:
        self._disturbed = {
            "purity": self._purity.step(now, dt),
            "acidity": self._acidity.step(now, dt),
            "water": 3.0 * math.sin(2 * math.pi * now / 70.0 + self._water),
            "initiator": self._initiator.step(now, dt),
        }

    def advance(self, to_seconds: float) -> None:
        """Step until the plant's clock has reached a time."""
        while self.now_seconds + STEP_SECONDS / 2 < to_seconds:
            self.step()

    def _rates(self) -> tuple[float, float, float]:
        """Return (initiator decomposition 1/s, propagation per monomer 1/s, instantaneous chain length)."""
        s = self._state
        inverse = (1.0 / s.kelvin - 1.0 / REFERENCE_KELVIN) / GAS_CONSTANT
        decomposition = 0.04 * math.exp(-125_000.0 * inverse)
        propagation = 1342.0 * math.exp(-20_000.0 * inverse)
        termination = 1.0e4 * math.exp(-8_000.0 * inverse)
        radicals = math.sqrt(2 * INITIATOR_EFFICIENCY * decomposition * max(s.initiator, 1e-9) / termination)
        length = propagation * s.monomer / (termination * radicals)
        return decomposition, propagation * radicals, length

    def _balance(self, dt: float) -> None:
        s, renewal = self._state, FEED_FLOW_L_S / VOLUME_L
        decomposition, per_monomer, length = self._rates()
        rate = per_monomer * s.monomer
        initiator_feed = (60.0 + self._disturbed["initiator"]) / 1000.0 * INITIATOR_MOL_L / VOLUME_L
        feed = FEED_MONOMER_MOL_L * (1.0 + self._disturbed["purity"] / 100.0)
        s.monomer += dt * (renewal * (feed - s.monomer) - rate)
        s.initiator += dt * (initiator_feed - renewal * s.initiator - decomposition * s.initiator)
        s.polymer += dt * (rate * MONOMER_G_MOL - renewal * s.polymer)
        s.polymer_length += dt * (rate * MONOMER_G_MOL * length - renewal * s.polymer_length)
        self._alkalinity(dt, renewal)
        self._energy(dt, renewal, rate)

    def _alkalinity(self, dt: float, renewal: float) -> None:
        s = self._state
        s.neutraliser_flow += dt / 0.3 * (self.setpoints["neutraliser_flow_setpoint"] - s.neutraliser_flow)
        base = s.neutraliser_flow / 1000.0 * NEUTRALISER_MOL_L / VOLUME_L
        s.alkalinity += dt * (base - renewal * (0.05 + self._disturbed["acidity"] + s.alkalinity))

    def _energy(self, dt: float, renewal: float, rate: float) -> None:
        s = self._state
        transfer = 1.0 - s.fouling
        exchanged = s.kelvin - s.jacket_kelvin
        generated = rate * HEAT_OF_REACTION_KJ_MOL / HEAT_CAPACITY_KJ_L_K
        s.kelvin += dt * (renewal * (333.15 - s.kelvin) + generated - HEAT_TRANSFER_1_S * transfer * exchanged)
        error = s.kelvin - 273.15 - self.setpoints["reactor_temperature_setpoint"]
        s.integral = max(-4.0, min(4.0, s.integral + 0.15 * error * dt))
        s.coolant_flow = max(0.02, min(3.0, 0.45 + 0.25 * error + s.integral))
        water = 293.15 + self._disturbed["water"]
        s.jacket_kelvin += dt * (
            s.coolant_flow / JACKET_L * (water - s.jacket_kelvin) + JACKET_TRANSFER_1_S * transfer * exchanged
        )

    def _thickness(self) -> float:
        s = self._state
        mean_length = s.polymer_length / max(s.polymer, 1e-9)
        return float(s.polymer**_POLYMER_EXPONENT * mean_length**_LENGTH_EXPONENT)

    def truth(self) -> Quality:
        """Return the true quality of what leaves now."""
        base = min(0.98, max(0.02, self._state.alkalinity / BUFFER_MOL_L))
        return Quality(
            viscosity=VISCOSITY_REFERENCE * self._thickness() / self._reference,
            ph=BUFFER_PKA + math.log10(base / (1.0 - base)),
        )

    def _values(self) -> dict[str, float]:
        s, d = self._state, self._disturbed
        viscosity = self.truth().viscosity
        return {
            "reactor_temperature": s.kelvin - 273.15,
            "jacket_temperature": s.jacket_kelvin - 273.15,
            "coolant_inlet_temperature": 20.0 + d["water"],
            "coolant_flow": s.coolant_flow,
            "feed_flow": FEED_FLOW_L_S,
            "feed_temperature": 60.0,
            "feed_purity": 96.0 + d["purity"],
            "feed_conductivity": 2.0 + 60.0 * (0.05 + d["acidity"]),
            "initiator_flow": 60.0 + d["initiator"],
            "neutraliser_flow": s.neutraliser_flow,
            "agitator_speed": 120.0,
            "agitator_power": 2.0 + 0.03 * viscosity,
            "reactor_pressure": 1.2 + 0.02 * (s.kelvin - REFERENCE_KELVIN) + 0.05 * s.monomer,
            "reactor_level": 75.0,
            **self.setpoints,
        }

    def measure(self) -> dict[str, float]:
        """Return the tags whose sensor now reads beyond its dead band, with what it reads."""
        changed = {}
        for tag, value in self._values().items():
            info = TAGS[tag]
            read = value + self._sensors.gauss(0.0, info.noise) if info.noise else value
            before = self.reported.get(tag)
            if before is None or abs(read - before) > info.dead_band:
                self.reported[tag] = changed[tag] = read
        return changed
