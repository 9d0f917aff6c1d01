"""The whole demonstration, as somebody sees it: a lot completes, its certificate is signed in a browser, the MES hears.

One run for all: what the console shows of it meanwhile, and what its account says at the end.
"""

import asyncio
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from PIL import Image
from playwright.async_api import expect

from simulator.broker import find_mosquitto
from tests.fixtures.page import LOW, PHONE, PICTURES, Pages, chromium, keep, keep_picture, serious_faults, sign
from tests.fixtures.real_parts import REPOSITORY, missing

FIRST, PLANTED = "LOT-1000%2F1", "LOT-1000%2F2"
LAPTOP = {"width": 1280, "height": 900}
ACCOUNT = {
    "ready_seconds", "first_prediction_seconds", "recovered", "predictions", "lab_results", "dispositions", "guidance",
    "operators_called", "most_calls_in_10_plant_minutes", "suggestions", "suggestions_followed", "deviations",
    "dead_letters", "lost", "duplicates", "audit", "latency_ms", "off_specification_share",
}  # fmt: skip
VIEWS = {"certificate": None, "review": f"review/{PLANTED}", "search": "search?query=viscosity%20LOT-1000",
         "load": "samples", "ask": "ask", "certificates": "certificates"}  # fmt: skip
LOOKS = (("wide", LAPTOP, "light", tuple(VIEWS)), ("phone", PHONE, "light", tuple(VIEWS)[:-1]),
         ("wide", LAPTOP, "dark", ("certificate",)))  # fmt: skip


def processes_of(marker):
    """Return the command lines of all processes that name something."""
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            commands.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return [command for command in commands if marker in command]


async def listening(port):
    """Wait until the console takes connections."""
    async with asyncio.timeout(240):
        while True:
            try:
                _reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return


@asynccontextmanager
async def demo(folder):
    """Run the demonstration as a command; yield its console's address, the password, and how it is ended."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "demo", "--headless", "--json", "--no-sign", "--seed", "2", cwd=REPOSITORY,
        env=os.environ | {"TMPDIR": str(folder)}, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip

    async def ended():
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(240):
            out = (await process.communicate())[0].decode()
        assert process.returncode == 0, out
        return out

    try:
        first = (await process.stderr.readline()).decode()
        address = re.search(r"http://\S+", first)[0]
        await listening(int(re.search(r":(\d+)/", address)[1]))
        yield address, address.partition("sign-in=")[2], ended
    finally:
        if process.returncode is None:  # after a failure: it ends its own processes, if it is let
            process.send_signal(signal.SIGINT)
            with suppress(TimeoutError):
                await asyncio.wait_for(process.communicate(), 120)
            if process.returncode is None:
                process.kill()


async def released_and_signed(page, password):
    """Release the first lot once production has closed it, and sign its certificate, as quality does."""
    await page.goto(f"/#/lots/{FIRST}")
    await expect(page.locator("[data-key=head]")).to_contain_text("Closed", timeout=240000)
    await page.get_by_role("button", name="Release lot").click()
    await sign(page.locator("dialog"), "demo", password, reason="inspected")
    await expect(page.locator("[data-key=head]")).to_contain_text("by Demo")
    await page.locator(".part-certificates a").click()
    await expect(page.locator(".part-gaps")).to_contain_text("Nothing is missing")
    await page.get_by_role("button", name="Sign and issue").click()
    await keep(page, "demo-certificate-sign-wide-light")
    await sign(page.locator("dialog"), "demo", password)
    await expect(page.locator("[data-key=head]")).to_contain_text("Signed by Demo")
    await expect(page.locator(".part-documents")).to_contain_text("As issued: SHA-256", timeout=240000)
    return page.url.partition("#/")[2]


async def paper(page, folder):
    """Download the PDF by its link; return its text and its first page as a picture."""
    path = await page.get_by_role("link", name="Open as PDF").get_attribute("href")
    answer = await page.request.get(path, max_retries=3)
    file = folder / "certificate.pdf"
    file.write_bytes(await answer.body())
    for program in ("pdftotext", "pdftoppm"):
        if shutil.which(program) is None:
            missing(program)
    text = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, check=True).stdout.decode()
    picture = ["pdftoppm", "-png", "-r", "80", "-f", "1", "-singlefile", file]
    shown = Image.open(io.BytesIO(subprocess.run(picture, capture_output=True, check=True).stdout))
    keep_picture(shown, "demo-certificate-paper")
    return text, shown


async def answers(page):
    """Look at what else the console shows: the planted fault first, the laboratory's load, an answer, a hit."""
    await page.goto(f"/#/lots/{PLANTED}")
    await expect(page.locator("[data-key=head]")).to_contain_text("Closed", timeout=240000)
    await page.goto(f"/#/review/{PLANTED}")
    await expect(page.locator(".exception").first).to_contain_text("approved 12 min before it was analysed")
    await page.goto("/#/samples")
    await expect(page.locator("svg.load-chart .load-bar.over")).not_to_have_count(0)
    await page.goto("/#/ask")
    await asked(page)
    await page.goto("/#/now")
    await expect(page.locator("article.card").first).to_be_visible(timeout=240000)


async def everybody_can_use(pages, address, certificate):
    """Look at each view on a phone in the dark: by axe-core, its width, and whether a glove meets its buttons."""
    async with pages.page(None, viewport=PHONE, scheme="dark") as page:
        await page.goto("about:blank")
        await page.goto(address)
        await page.wait_for_selector("#banner .banner")
        for view, path in VIEWS.items():
            await page.goto(f"/#/{path or certificate}")
            await expect(page.locator("[aria-busy]")).to_have_count(0)
            await expect(page.locator("main h1").first).to_be_visible()
            assert await serious_faults(page) == [], view
            assert await page.evaluate(LOW) == [], f"{view} has what is too low for a glove"
            assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], view


async def pictures(pages, address, certificate):
    """Keep what people see of it, on a laptop and on a phone, light and dark."""
    for name, viewport, scheme, views in LOOKS:
        async with pages.page(None, viewport=viewport, scheme=scheme) as page:
            await page.goto("about:blank")
            await page.goto(address)
            await page.wait_for_selector("#banner .banner")
            for view in views:
                await page.goto(f"/#/{VIEWS[view] or certificate}")
                await expect(page.locator("[aria-busy]")).to_have_count(0)
                if view == "ask":
                    await asked(page)
                await keep(page, f"demo-{view}-{name}-{scheme}")


async def asked(page):
    """Ask a question at the page, and wait for its answer."""
    await page.locator("#question").fill("What is the pH of lot LOT-1000/1?")
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_contain_text("LOT-1000/1 is")


async def test_a_lot_of_the_demo_is_signed_in_the_browser_and_its_mes_learns_of_it(tmp_path):
    """That a drift is seen, followed and recovered from shows in virtual time: test_arms.py."""
    if find_mosquitto() is None:
        missing("mosquitto")
    own = tmp_path / "demo"
    own.mkdir()
    async with demo(own) as (address, password, ended), chromium() as browser:
        pages = Pages(port=int(re.search(r":(\d+)/", address)[1]), browser=browser)
        async with pages.page(None, viewport=LAPTOP) as page:
            await page.goto("about:blank")
            await page.goto(address)
            await page.wait_for_selector("#banner .banner")
            certificate = await released_and_signed(page, password)
            text, picture = await paper(page, tmp_path)
            await answers(page)
            await everybody_can_use(pages, address, certificate)
            if PICTURES:
                await pictures(pages, address, certificate)
        out = await ended()
        assert pages.faults == []
    assert processes_of(str(own)) == []
    assert list(own.iterdir()) == []
    for part in ("Acme Paints Ltd", "LOT-1000/1", "Coating resin FG-100", "ISO 3219", "Bench Chemicals", "Demo"):
        assert part in text
    assert "NOT VALID" not in text
    assert picture.width > 500
    assert 0.01 < sum(picture.convert("L").histogram()[:128]) / (picture.width * picture.height) < 0.3  # ink
    holds(json.loads(out.strip().splitlines()[-1]))


def holds(account):
    """Look at what the demonstration says of itself at its end."""
    assert set(account) >= ACCOUNT
    assert account["broker"] == "mosquitto"
    assert (account["lost"], account["duplicates"], account["dead_letters"], account["audit"]) == (0, 0, 0, "ok")
    assert account["lab_results"] == account["dispositions"] >= 2
    assert account["predictions"] > 10
    assert account["guidance"] >= 1
    assert account["certificates_drafted"] >= 2
    assert (account["certificates_signed"], account["certificates_received"]) == (1, 1)
    assert account["lots_released"] == ["LOT-1000/1"]
    assert account["certificate_seconds"]["end_to_draft"]["n"] >= 2
    assert account["certificate_seconds"]["signature_to_mes"]["n"] == 1
    assert account["planted_fault_first"] is True
    questions = account["questions"]
    assert 1 <= questions["with_source"] == questions["answered"] <= questions["asked"]
    assert account["laboratory_plan"]["planned_orders"] == 10
    assert account["laboratory_plan"]["conflicts"] >= 1
