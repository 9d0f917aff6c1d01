"""Plants of many kinds, each with what makes one hard to predict. The same seed gives the same plant."""

from collections.abc import Callable, Mapping

import numpy as np

from simulator.bench.trained.plant import Numbers, Plant, later, numbered, sampled, smoothed, wander

_Chance = np.random.Generator


def linear(chance: _Chance) -> Plant:
    """A plant that is linear and without memory, measured with an error."""
    rows = 4000
    x = [wander(chance, rows, 30) for _ in range(5)]
    y = 20 + x[0] * 2 - x[1] + 0.5 * x[2] + 0.6 * chance.normal(size=rows)
    return Plant(tags=numbered([50 + 3 * values for values in x]), y=sampled(y, 10, chance), delay_rows=5)


def dynamic(chance: _Chance) -> Plant:
    """A plant with dead times of 12 and 25 rows and lags of 5 to 15."""
    rows = 6000
    x = [wander(chance, rows, 25) for _ in range(4)]
    y = 10 + 2 * smoothed(later(x[0], 12), 10) + 1.5 * smoothed(later(x[1], 25), 15) - smoothed(x[2], 5)
    y += 0.25 * chance.normal(size=rows)
    return Plant(tags=numbered(x), y=sampled(y, 15, chance), delay_rows=15)


def neutralisation(chance: _Chance) -> Plant:
    """A pH: steep in the middle, flat at both ends."""
    rows = 4500
    acid, base = (5 + 0.5 * wander(chance, rows, 60) for _ in range(2))
    temperature = 25 + 3 * wander(chance, rows, 100)
    net = smoothed(later(base - acid, 3), 6)
    y = 7 + 2.2 * np.arcsinh(3 * net) + 0.02 * (temperature - 25) + 0.12 * chance.normal(size=rows)
    level = 50 + wander(chance, rows, 20)
    return Plant(tags={"FA": acid, "FB": base, "TI": temperature, "LI": level}, y=y, every_rows=15)


def grades(chance: _Chance) -> Plant:
    """Five grades by turns, each at its own level and temperature."""
    rows, made = 6000, list[str]()
    while len(made) < rows:
        made += [str(chance.choice(list("ABCDE")))] * int(chance.integers(100, 260))
    made = made[:rows]
    ratio = {"A": 0.3, "B": 0.6, "C": 0.9, "D": 1.3, "E": 1.9}
    warm = {"A": 70, "B": 72, "C": 75, "D": 77, "E": 80}
    hydrogen = smoothed(np.array([ratio[grade] for grade in made]), 8) + 0.03 * chance.normal(size=rows)
    temperature = smoothed(np.array([warm[grade] for grade in made], np.float64), 5) + 0.5 * wander(chance, rows, 20)
    logarithm = 0.8 + 1.2 * np.log(later(smoothed(hydrogen, 12), 4) + 0.1) + 0.02 * (later(temperature, 4) - 75)
    y = 3 * np.exp(logarithm + 0.06 * wander(chance, rows, 200) + 0.03 * chance.normal(size=rows))
    tags = {"H2": hydrogen, "TI": temperature, "PI": 10 + wander(chance, rows, 30)}
    return Plant(tags=tags, y=sampled(y, 12, chance), texts={"grade": made}, delay_rows=12, product="grade")


def drift(chance: _Chance) -> Plant:
    """A plant that moves on: the analyte walks at random, and jumps every 900 rows."""
    rows = 5000
    x = [wander(chance, rows, 30) for _ in range(4)]
    y = 30 + 1.2 * smoothed(x[0], 6) + 0.8 * x[1] * (x[1] > 0) + np.cumsum(0.03 * chance.normal(size=rows))
    y += 0.4 * (np.arange(rows) // 900 % 2) + 0.3 * chance.normal(size=rows)
    return Plant(tags=numbered(x), y=sampled(y, 10, chance, uneven=2), delay_rows=20)


def heavy_tails(chance: _Chance) -> Plant:
    """A laboratory that errs by Student's t of two degrees of freedom."""
    rows = 4000
    x = [wander(chance, rows, 30) for _ in range(4)]
    y = 20 + 2 * smoothed(x[0], 4) - later(x[1], 6) + 0.4 * chance.standard_t(2, size=rows)
    return Plant(tags=numbered(x), y=sampled(y, 10, chance))


def collinear(chance: _Chance) -> Plant:
    """Sixteen tags that all say the same three things."""
    rows = 4000
    causes = np.array([wander(chance, rows, 40) for _ in range(3)])
    mixed = chance.normal(size=(16, 3))
    x = mixed @ causes + 0.15 * chance.normal(size=(16, rows))
    y = 5 + causes[0] * 1.5 + later(causes[1], 5) - 0.5 * causes[2] + 0.4 * chance.normal(size=rows)
    return Plant(tags=numbered([*x]), y=sampled(y, 10, chance))


def few_results(chance: _Chance) -> Plant:
    """Eighty laboratory results in all."""
    rows = 4800
    x = [wander(chance, rows, 80) for _ in range(6)]
    y = 12 + 1.5 * smoothed(x[0], 10) + x[1] + 0.3 * x[0] * x[1] + 0.5 * chance.normal(size=rows)
    return Plant(tags=numbered(x), y=sampled(y, 60, chance), delay_rows=30)


def many_tags(chance: _Chance) -> Plant:
    """Forty tags, of which three matter, one of them late."""
    rows = 3600
    x = [wander(chance, rows, chance.uniform(10, 80)) for _ in range(40)]
    y = 12 + 1.5 * later(x[3], 4) - x[17] + 0.8 * x[29] + 0.4 * chance.normal(size=rows)
    return Plant(tags=numbered(x), y=sampled(y, 12, chance), delay_rows=12)


def constant(chance: _Chance) -> Plant:
    """Nothing measured explains the analyte: it scatters around its mean."""
    rows = 3000
    x = [wander(chance, rows, 40) for _ in range(4)]
    return Plant(tags=numbered(x), y=sampled(7 + chance.normal(size=rows), 10, chance))


def results_tell_more(chance: _Chance) -> Plant:
    """The last laboratory results say more than the tags do."""
    rows = 4000
    x = [wander(chance, rows, 40) for _ in range(4)]
    y = 7 + wander(chance, rows, 300) + 0.15 * x[0] + 0.1 * chance.normal(size=rows)
    return Plant(tags=numbered(x), y=sampled(y, 8, chance), delay_rows=8)


def changes(chance: _Chance) -> Plant:
    """The level of a tag walks away and means nothing: the analyte follows its change over six rows."""
    rows = 4000
    level = np.cumsum(chance.normal(size=rows)) * 0.5
    other = wander(chance, rows, 30)
    change = level - later(level, 6)
    y = 10 + 1.5 * change + 0.8 * np.abs(change) * np.sign(other) + 0.3 * chance.normal(size=rows)
    return Plant(tags={"LI": 200 + level, "FI": 30 + other, "TI": wander(chance, rows, 50)}, y=y, every_rows=10)


def regimes(chance: _Chance) -> Plant:
    """Two ways of running, which a tag tells: the analyte answers otherwise in each."""
    rows = 5000
    mode = (np.sin(np.arange(rows) / 211.0) + 0.3 * wander(chance, rows, 50) > 0).astype(float)
    x = [wander(chance, rows, 30) for _ in range(3)]
    y = np.where(mode > 0, 8 + 2 * x[0], 5 - 1.5 * x[0] + np.maximum(x[1], 0) * 2)
    y = y + 0.3 * chance.normal(size=rows) + 0.2 * wander(chance, rows, 150)
    return Plant(tags={"MODE": mode, **numbered(x)}, y=y, every_rows=10)


def reactor(chance: _Chance) -> Plant:
    """A stirred tank with a reaction that speeds up with temperature, measured late and unevenly."""
    rows = 6000
    temperature, flow = 350 + 4 * wander(chance, rows, 50), 10 + 1.2 * wander(chance, rows, 70)
    feed = 2 + 0.15 * wander(chance, rows, 120)
    speed, left = np.exp(-6000 * (1 / temperature - 1 / 350)), np.empty(rows)
    left[0] = 1
    for row in range(1, rows):
        before = left[row - 1]
        left[row] = before + 0.04 * (flow[row] / 10) * (feed[row] - before) - 0.05 * speed[row] * before
    y = later(left, 8) * 50 + 0.6 * wander(chance, rows, 250) + 0.5 * chance.normal(size=rows)
    tags = {
        "TI": temperature + 0.2 * chance.normal(size=rows), "FI": flow, "AI": feed + 0.03 * chance.normal(size=rows),
        "PI": wander(chance, rows, 20), "JI": wander(chance, rows, 20),
    }  # fmt: skip
    return Plant(tags=tags, y=sampled(y, 20, chance, uneven=4), delay_rows=25)


def closed_loop(chance: _Chance) -> Plant:
    """A controller holds the analyte at a setpoint against a disturbance, and so hides what causes it."""
    rows = 5000
    disturbance = wander(chance, rows, 150)
    setpoint = np.repeat(np.round(chance.uniform(-2, 2, rows // 250 + 1) * 2) / 2, 250)[:rows]
    valve, level = np.zeros(rows), np.zeros(rows)
    for row in range(1, rows):
        level[row] = level[row - 1] + 0.08 * (valve[row - 1] + disturbance[row] - level[row - 1])
        moved = 0.02 * (setpoint[row] - level[row]) - 0.05 * (level[row] - level[row - 1])
        valve[row] = np.clip(valve[row - 1] + moved, -6, 6)
    tags = {
        "SP": setpoint, "OP": 50 + 8 * valve + 0.3 * chance.normal(size=rows),
        "TI": disturbance * 0.5 + 0.6 * wander(chance, rows, 20), "FI": wander(chance, rows, 40),
    }  # fmt: skip
    y = sampled(40 + 3 * level + 0.4 * chance.normal(size=rows), 12, chance, uneven=3)
    return Plant(tags=tags, y=y, delay_rows=18)


def noisy_tags(chance: _Chance) -> Plant:
    """Tags that are measured with nearly as much noise as they move."""
    rows = 5000
    x = [wander(chance, rows, 60) for _ in range(4)]
    y = 15 + 2 * x[0] - 1.2 * x[1] + 0.3 * chance.normal(size=rows)
    tags = numbered([values + 0.8 * chance.normal(size=rows) for values in x])
    return Plant(tags=tags, y=sampled(y, 12, chance))


def ratio(chance: _Chance) -> Plant:
    """The ratio of two flows, which the recipe does not name."""
    rows = 4000
    one, other = 20 * np.exp(0.25 * wander(chance, rows, 60)), 30 * np.exp(0.25 * wander(chance, rows, 60))
    y = 10 * later(one / other, 4) + 0.3 * chance.normal(size=rows) + 0.3 * wander(chance, rows, 120)
    tags = {"FA": one, "FB": other, "TI": wander(chance, rows, 40), "LI": wander(chance, rows, 25)}
    return Plant(tags=tags, y=sampled(y, 10, chance))


def uneven_errors(chance: _Chance) -> Plant:
    """Calm and restless stretches: the laboratory errs six times as much in the restless ones."""
    rows = 4800
    x = [wander(chance, rows, 40) for _ in range(3)]
    size = np.where(np.arange(rows) // 400 % 2, 0.9, 0.15)
    y = 20 + 2 * smoothed(x[0], 5) - x[1] + size * chance.normal(size=rows)
    return Plant(tags=numbered(x), y=sampled(y, 10, chance))


def batches(chance: _Chance) -> Plant:
    """Batches of 22 to 40 rows, measured at their end: how long and how hot it was, which the recipe does not say."""
    temperatures, pressures, values = list[Numbers](), list[Numbers](), list[Numbers]()
    for _batch in range(200):
        heating, holding = int(chance.integers(7, 16)), int(chance.integers(10, 20))
        peak = chance.uniform(78, 92)
        hold = peak + np.linspace(0, 80 - peak, holding) + 0.3 * chance.normal(size=holding)
        warm = np.concatenate([np.full(5, 25.0), np.linspace(25, peak, heating), hold])
        y = np.full(len(warm), np.nan)
        y[-1] = 30 + 0.8 * heating + 0.35 * np.sum(warm > 80) + 0.4 * chance.normal()
        temperatures.append(warm)
        pressures.append(2 + 0.1 * chance.normal(size=len(warm)))
        values.append(y)
    tags = {"TI": np.concatenate(temperatures), "PI": np.concatenate(pressures)}
    return Plant(tags=tags, y=np.concatenate(values))


_KINDS: tuple[Callable[[_Chance], Plant], ...] = (
    linear, dynamic, neutralisation, grades, drift, heavy_tails, collinear, few_results, many_tags, constant,
    results_tell_more, changes, regimes, reactor, closed_loop, noisy_tags, ratio, uneven_errors, batches,
)  # fmt: skip
PLANTS: Mapping[str, Callable[[_Chance], Plant]] = {kind.__name__: kind for kind in _KINDS}


def plant(name: str, *, seed: int) -> Plant:
    """Return a plant of a kind; raises KeyError where there is none of the name."""
    return PLANTS[name](np.random.default_rng(seed))
