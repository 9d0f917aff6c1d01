"""How often the procedure that is meant is among the first three, by words alone and with a sentence model.

    python -m tests.knowledge.measure_meaning model.onnx tokenizer.json

The questions are those of ``paraphrases.toml``; the model is whichever you have.
"""

import sqlite3
import sys
import time
import tomllib
from pathlib import Path

from gateway.config.embeddings import meaning_of
from gateway.config.knowledge_tables import EmbeddingsTable
from gateway.contract.identity import sha256_hex
from gateway.copilot.answering import words_wanted
from gateway.copilot.ground import Asker, Ground
from gateway.copilot.question import asked
from gateway.copilot.readers.knowledge import ranked_procedures
from gateway.knowledge.meaning import Meaning
from gateway.knowledge.synonyms import synonyms_of, usual_groups
from gateway.line.procedures import Procedure
from gateway.records.sight import EVERYTHING
from tests.fixtures.building import line

BANK = tomllib.loads((Path(__file__).parent / "paraphrases.toml").read_text(encoding="utf-8"))
PROCEDURES = tuple(
    Procedure(name=item["name"], title=item["title"], steps=tuple(item["steps"])) for item in BANK["procedure"]
)


def hits(language: str, meaning: Meaning | None) -> tuple[int, int]:
    """Return in how many questions of a language the procedure is among the first three, and of how many."""
    ground = Ground(
        state=sqlite3.connect(":memory:"), line=line(procedures=PROCEDURES), now_ns=0, language=language,
        asker=Asker(name="", known=True, sight=EVERYTHING), synonyms=synonyms_of(usual_groups()), searched=None,
        meaning=meaning,
    )  # fmt: skip
    cases = [
        (text, item["wanted"]) for item in BANK["question"] if item["language"] == language for text in item["asks"]
    ]
    found = 0
    for text, wanted in cases:
        words = words_wanted(asked(text, otherwise=language), every=False)
        found += wanted in [item.name for item in ranked_procedures(ground, words, text)[:3]]
    return found, len(cases)


def main() -> None:
    """Print the figures."""
    model, tokenizer = (Path(name) for name in sys.argv[1:3])
    meaning = meaning_of(EmbeddingsTable(
        model=model, model_sha256=sha256_hex(model.read_bytes()), tokenizer=tokenizer,
        tokenizer_sha256=sha256_hex(tokenizer.read_bytes()),
    ))  # fmt: skip
    for language in ("en", "de"):
        for name, used in (("words alone", None), ("with the model", meaning)):
            found, asks = hits(language, used)
            sys.stdout.write(f"{language}  {name:15} hit@3 {found} of {asks}\n")
    begun = time.process_time()
    for number in range(50):
        meaning.nearness(f"question number {number} about the process", ["Cleaning the reactor between products"])
    sys.stdout.write(f"a question: {(time.process_time() - begun) / 50 * 1000:.1f} ms of processor\n")


if __name__ == "__main__":
    main()
