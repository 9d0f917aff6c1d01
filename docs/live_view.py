"""Makes ``docs/live-view.svg`` from a demonstration that really runs: ``python docs/live_view.py``."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console

from simulator.demo import DemoOptions, Scene, demonstrate
from simulator.view import picture

HERE = Path(__file__).parent
SECONDS = 40.0


@asynccontextmanager
async def photograph(scene: Scene) -> AsyncIterator[None]:
    """Run along, and take the picture at the end."""
    yield
    with (HERE / "console.log").open("w") as nowhere:
        console = Console(record=True, width=132, height=44, file=nowhere, force_terminal=True)
        console.print(picture(scene))
        console.save_svg(str(HERE / "live-view.svg"), title="labline demo")
    (HERE / "console.log").unlink()


if __name__ == "__main__":
    options = DemoOptions(seed=1, seconds=SECONDS, follows=True, models=HERE.parent / "models")
    asyncio.run(demonstrate(options, photograph))
