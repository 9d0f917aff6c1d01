"""What the live view shows of release and answers: certificates, reviews, the terminal's last question, the console."""

import textwrap

from rich.text import Text

from simulator.demo import Scene

_LONGEST_ANSWER = 110  # characters; a lot with many results has many


def release_rows(scene: Scene, *, is_small: bool = False) -> list[Text]:
    """Return the lines, the most important first; on a small terminal the console's link, which scrolls away there."""
    rows = [_certificates(scene), _review(scene), _question(scene)]
    rows = [_console(scene, is_small=True), *rows] if is_small else [*rows, _console(scene)]
    return [row for row in rows if row is not None]


def _certificates(scene: Scene) -> Text | None:
    if not scene.observer.certificates:
        return None
    signed = [lot for lot, state, _complete in scene.observer.certificates.values() if state == "signed"]
    released = ", ".join(sorted(scene.mes.released)) or "none yet"
    return Text.assemble(
        f"certificates: {len(scene.observer.certificates)} drafted, {len(signed)} signed, "
        f"{len(scene.mes.certificates)} at the MES; released there: ",
        (released, "green" if scene.mes.released else ""),
    )


def _review(scene: Scene) -> Text | None:
    """Return the first line of the worst review."""
    read = [review for review in scene.quality.reviews if review.severity == "critical"]
    if not read:
        return None
    return Text(f"review of {read[-1].lot}, first line: {read[-1].text}", style="bold red")


def _question(scene: Scene) -> Text | None:
    if not scene.questions.answered:
        return None
    last = scene.questions.answered[-1]
    answer = textwrap.shorten(last.answer, _LONGEST_ANSWER, placeholder=" ...")
    return Text(f"asked: {last.question} {answer} ({last.milliseconds:.0f} ms; {', '.join(last.titles[:2])})")


def _console(scene: Scene, *, is_small: bool = False) -> Text | None:
    link = scene.options.console
    if link is None:
        return None
    to_do = "" if scene.options.signs or is_small else f", to sign: user demo, password {link.link}"
    return Text(f"console: {link.address}{to_do}", style="cyan")
