"""The tables of what is found and answered: ``[knowledge]``."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from gateway.config.forms import Table
from gateway.config.measures import Duration, Size
from gateway.config.sink_tables import RequestsTable
from gateway.records.users import USER_ID

Subject = Literal["line", "quality", "laboratory", "production", "engineering", "purchasing"]


class SightTable(Table):
    """``[[knowledge.sight]]``: whose records some people or terminals see, and no others."""

    users: list[Annotated[str, StringConstraints(pattern=f"^{USER_ID}$")]] = Field(
        default_factory=list, description="users of the line, by their ids, as labline user list has them"
    )
    terminals: list[str] = Field(default_factory=list, description="terminals, by their names in ask/{terminal}")
    clients: list[str] = Field(
        default_factory=list, description="clients whose records they see besides the plant's own; empty: none"
    )
    studies: list[str] | None = Field(
        default=None, description="studies of these clients that they see; without it: all of them"
    )


class PhrasingTable(RequestsTable):
    """``[copilot.phrasing]``: a private server whose language model phrases answers that are already there."""

    model: str = Field(min_length=1, max_length=200, description="the model, as the server calls it")
    timeout: Duration = Field(
        default=3.0, ge=0.1, le=25, description='how long an answer may wait for it, all in all, such as "3s"'
    )
    max_tokens: int = Field(default=500, ge=16, le=4000, description="how long its text may be, in the model's tokens")
    per_minute: int = Field(default=30, ge=1, le=600, description="how many answers a minute it is asked for at most")


class CopilotTable(Table):
    """``[copilot]``: questions that are answered from records."""

    contacts: dict[Subject, Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default_factory=dict,
        description="whom to ask where the records have no answer, by subject: line (for all), quality, laboratory, "
        "production, engineering, purchasing",
    )
    terminals: bool = Field(
        default=False,
        description="whether questions on ask/{terminal} are answered, on answer/{terminal}: true or false",
    )
    token_lasts: Duration = Field(
        default=900.0, ge=60, le=8 * 3600, description='how long a person\'s token for a terminal holds, such as "15m"'
    )
    phrasing: PhrasingTable | None = Field(
        default=None, description="a server whose language model phrases answers; without it there is none"
    )


class EmbeddingsTable(Table):
    """``[knowledge.embeddings]``: a sentence model that ranks procedures and similar events besides their words."""

    model: Path = Field(description="the model (ONNX) that makes vectors of sentences, relative to this file")
    model_sha256: str = Field(pattern="^[0-9a-f]{64}$", description="its SHA-256; another file is refused")
    tokenizer: Path = Field(description="the model's tokenizer.json (WordPiece), relative to this file")
    tokenizer_sha256: str = Field(pattern="^[0-9a-f]{64}$", description="its SHA-256; another file is refused")
    least: float = Field(
        default=0.25, ge=0, le=1, description="from which nearness on (a cosine) a text is about the same"
    )
    languages: list[Literal["en", "de"]] = Field(
        default_factory=list, description="of questions that are compared by it: en, de; without it both"
    )


class KnowledgeTable(Table):
    """``[knowledge]``: the index by which everything on record is found."""

    enabled: bool = Field(
        default=True, description="whether the running gateway keeps the index for its console: true or false"
    )
    most: Size = Field(
        default=512 * 2**20, gt=0, description='how much the index may take, such as "512 MiB"; then the oldest go'
    )
    synonyms: Path | None = Field(
        default=None, description="a TOML file with the plant's own words that mean the same, relative to this file"
    )
    embeddings: EmbeddingsTable | None = Field(
        default=None, description="a sentence model that ranks besides words; without it there is none"
    )
    sight: list[SightTable] = Field(default_factory=list)
