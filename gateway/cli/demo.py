"""``labline demo``: the whole plant on one machine, around the real gateway."""

import asyncio
import re
from pathlib import Path

import typer

from gateway.cli.output import err, out, show_json, show_table
from gateway.errors import LablineError, first_of

_DURATION = re.compile(r"(?P<number>\d+(\.\d+)?)(?P<unit>s|m|h)?")
_SECONDS = {None: 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    match = _DURATION.fullmatch(text.strip())
    if match is None or float(match["number"]) <= 0:
        raise typer.BadParameter(f"{text!r} is not a time such as 60s, 2m or 1h")
    return float(match["number"]) * _SECONDS[match["unit"]]


def _bundles(named: Path | None) -> Path:
    """Return the folder with the demo's bundles; raises LablineError where there is none."""
    import simulator  # noqa: PLC0415 - only the demo needs the simulator

    beside_the_code = Path(simulator.__file__).resolve().parents[1] / "models"
    looked_in = [named] if named is not None else [Path("models"), beside_the_code]
    for folder in looked_in:
        if (folder / "viscosity" / "1.0.0" / "bundle.toml").is_file():
            return folder.resolve()
    raise LablineError(
        f"there are no demo bundles in {' or '.join(str(each.resolve()) for each in looked_in)}",
        hint="they are the folder models of Labline's repository: name it with --models",
    )


def demo(
    duration: str = typer.Option(None, "--for", help="How long, such as 60s or 2m; without it, until Ctrl-C."),
    headless: bool = typer.Option(False, "--headless", help="Without the live view."),
    as_json: bool = typer.Option(False, "--json", help="The summary as one JSON object on the last line."),
    seed: int = typer.Option(1, "--seed", help="The same seed gives the same plant."),
    follow: bool = typer.Option(True, "--follow/--no-follow", help="Whether the operator follows suggestions."),
    embedded_broker: bool = typer.Option(False, "--embedded-broker", help="Use the embedded broker in any case."),
    models: Path | None = typer.Option(
        None, "--models", help="The folder with the demo's bundles; without it, that of the repository."
    ),
) -> None:
    """Simulate a plant, a laboratory, a MES and an operator, and watch the gateway at work."""
    from simulator.demo import DemoOptions, demonstrate  # noqa: PLC0415 - only the demo needs the simulator
    from simulator.gateway_process import GatewayFailedError  # noqa: PLC0415
    from simulator.view import live, silent  # noqa: PLC0415

    seconds = _seconds(duration)
    folder = _bundles(models)
    options = DemoOptions(seed=seed, seconds=seconds, follows=follow, models=folder, embedded_broker=embedded_broker)
    if headless:
        err.print("starting plant, laboratory, MES, terminal, broker and gateway ...")
    try:
        summary = asyncio.run(demonstrate(options, silent if headless else live))
    except* GatewayFailedError as failed:
        raise LablineError(str(first_of(failed))) from None
    if as_json:
        show_json(summary)
    else:
        latency = summary.pop("latency_ms")
        rows = [*summary.items(), *((f"{name}, ms", ", ".join(f"{k} {v}" for k, v in figures.items()))
                                    for name, figures in latency.items())]  # fmt: skip
        show_table("what happened", ("figure", "value"), rows)
    if not summary["broker"].startswith("mosquitto"):
        err.print("The embedded broker keeps nothing over a restart; install mosquitto for the real thing.")
    out.file.flush()
    found_wrong = summary["audit"] != "ok" or summary["lost"] or summary["duplicates"]
    raise typer.Exit(1 if found_wrong else 0)
