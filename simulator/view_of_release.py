"""What the live view shows of release and answers: certificates, reviews, the terminal's last question, the console."""

from rich.text import Text

from simulator.demo import Scene


def release_rows(scene: Scene) -> list[Text]:
    """Return the lines, the most important first."""
    return [row for row in (_certificates(scene), _review(scene), _question(scene), _console(scene)) if row is not None]


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
    return Text(f"asked: {last.question} {last.answer} ({last.milliseconds:.0f} ms; {', '.join(last.sources[:2])})")


def _console(scene: Scene) -> Text | None:
    link = scene.options.console
    if link is None:
        return None
    to_do = "" if scene.options.signs else f", to sign: user demo, password {link.link}"
    return Text(f"console: {link.address}{to_do}", style="cyan")
