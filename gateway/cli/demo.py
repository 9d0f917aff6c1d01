"""``labline demo``: the whole plant on one machine, around the real gateway."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import typer

from gateway.cli.options import how_long, takes
from gateway.cli.output import err, out, show_json, show_table
from gateway.errors import LablineError, first_of


def _bundles(named: Path | None) -> Path:
    """Return the folder with the demo's bundles; raises LablineError where there is none."""
    import simulator  # noqa: PLC0415 - only the demo needs the simulator

    beside_the_code = Path(simulator.__file__).resolve().parents[1] / "models"
    looked_in = [named] if named is not None else [Path("models"), beside_the_code]
    for folder in looked_in:
        if (folder / "viscosity" / "1.0.0" / "bundle.toml").is_file():
            return folder.resolve()
    raise LablineError(
        f"the demo's models are not in {' or '.join(str(folder.resolve()) for folder in looked_in)}",
        hint="they are in the folder models of Labline's repository: name it with --models",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoCommandOptions:
    """How long the demo runs, and what it shows."""

    duration: str = typer.Option(
        None, "--for", metavar="<time>", help="How long to run, such as 60s or 2m. Without it: until Ctrl-C."
    )
    headless: bool = typer.Option(False, "--headless", help="Show no live view, only the summary at the end.")
    as_json: bool = typer.Option(False, "--json", help="Print the summary as one JSON object, on the last line.")
    seed: int = typer.Option(1, "--seed", help="The same seed gives the same plant data.")
    follow: bool = typer.Option(
        True, "--follow/--no-follow", help="Whether the simulated operator follows setpoint suggestions."
    )
    automatic: bool = typer.Option(
        False, "--automatic", help="Let the gateway write setpoints by itself, through all gates, within its budget."
    )
    embedded_broker: bool = typer.Option(
        False, "--embedded-broker", help="Use the built-in broker even if mosquitto is installed."
    )
    sign: bool | None = typer.Option(
        None, "--sign/--no-sign",
        help="Whether simulated quality releases lots and signs certificates. Without it: only with --headless.",
    )  # fmt: skip
    models: Path | None = typer.Option(
        None, "--models", metavar="<folder>", help="The folder with the demo's models. Without it: the repository's."
    )


@takes(DemoCommandOptions)
def demo(options: DemoCommandOptions) -> None:
    """Run the gateway with a simulated plant, laboratory, MES and operator, and watch it at work."""
    from simulator.account import rows_of  # noqa: PLC0415
    from simulator.demo import DemoOptions, demonstrate  # noqa: PLC0415 - only the demo needs the simulator
    from simulator.gateway_process import GatewayFailedError, new_console_link  # noqa: PLC0415
    from simulator.view import live, silent  # noqa: PLC0415

    console = new_console_link()
    err.print(f"console: {console.address}", soft_wrap=True, markup=False, highlight=False)
    err.print(f"  signs you in as demo; to sign by hand its password is {console.link}", markup=False, highlight=False)
    demonstration = DemoOptions(
        console=console,
        seed=options.seed,
        seconds=how_long(options.duration),
        follows=options.follow,
        stage="automatic" if options.automatic else "advise",
        signs=options.headless if options.sign is None else options.sign,
        models=_bundles(options.models),
        embedded_broker=options.embedded_broker,
    )
    if options.headless:
        err.print("starting plant, laboratory, MES, terminal, broker and gateway ...")
    try:
        summary = asyncio.run(demonstrate(demonstration, silent if options.headless else live))
    except* GatewayFailedError as failed:
        raise LablineError(str(first_of(failed))) from None
    if options.as_json:
        show_json(summary)
    else:
        show_table("what happened", ("figure", "value"), rows_of(summary))
    if not summary["broker"].startswith("mosquitto"):
        err.print("note: the built-in broker keeps nothing over a restart; install mosquitto to see that too")
    out.file.flush()
    found_wrong = summary["audit"] != "ok" or summary["lost"] or summary["duplicates"]
    raise typer.Exit(1 if found_wrong else 0)
