"""The tables of what is found and answered: ``[knowledge]``."""

from pathlib import Path

from pydantic import Field

from gateway.config.forms import Table
from gateway.config.measures import Size


class SightTable(Table):
    """``[[knowledge.sight]]``: whose records some people or terminals see in searches and answers, and no others."""

    users: list[str] = Field(default_factory=list, description="users of the line, by their names")
    terminals: list[str] = Field(default_factory=list, description="terminals, by their names in ask/{terminal}")
    clients: list[str] = Field(
        default_factory=list, description="clients whose records they see besides the plant's own; empty: none"
    )
    studies: list[str] | None = Field(
        default=None, description="studies of these clients that they see; without it: all of them"
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
    sight: list[SightTable] = Field(default_factory=list)
