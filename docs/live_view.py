"""Makes ``docs/live-view.svg`` from a demonstration that really runs: ``python docs/live_view.py``."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console

from simulator.demo import DemoOptions, Scene, demonstrate
from simulator.gateway_process import new_console_link
from simulator.view import picture

HERE = Path(__file__).parent
SECONDS = 62.0
PICTURE_AFTER_SECONDS = 58.0
WIDTH, HEIGHT = 132, 44


@asynccontextmanager
async def photograph(scene: Scene) -> AsyncIterator[None]:
    """Run along, and take the picture while everything lives."""
    task = asyncio.create_task(_picture_later(scene), name="picture")
    yield
    await task


async def _picture_later(scene: Scene) -> None:
    await asyncio.sleep(PICTURE_AFTER_SECONDS)
    with (HERE / "console.log").open("w") as nowhere:
        console = Console(record=True, width=WIDTH, height=HEIGHT, file=nowhere, force_terminal=True)
        console.print(picture(scene, WIDTH, HEIGHT))
        drawn = console.export_svg(title="labline demo")
        plain = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)  # no fonts from elsewhere
        (HERE / "live-view.svg").write_text(plain)
    (HERE / "console.log").unlink()


if __name__ == "__main__":
    options = DemoOptions(
        seed=1, seconds=SECONDS, follows=True, models=HERE.parent / "models", console=new_console_link(), signs=True
    )
    asyncio.run(demonstrate(options, photograph))
