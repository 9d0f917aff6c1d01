"""Answers questions, with the rights and the sight of who asks, and has each put on record."""

import sqlite3
from collections.abc import Mapping

from starlette.responses import Response

from gateway.console.asked import Answering, Asked
from gateway.console.searching import SearchAnswers
from gateway.console.shown import Shown
from gateway.console.snapshot import Snapshot
from gateway.console.views.ask import QuestionAsked, answer_view
from gateway.copilot.answering import answered
from gateway.copilot.answers import Answer
from gateway.copilot.desk import Desk
from gateway.copilot.ground import Asker, Ground
from gateway.copilot.options import CopilotOptions
from gateway.knowledge.options import KnowledgeOptions
from gateway.knowledge.searching import Searched


class AskAnswers:
    """Answers the route of questions."""

    def __init__(
        self,
        searching: SearchAnswers,
        shown: Shown,
        *,
        knowledge: KnowledgeOptions,
        copilot: CopilotOptions,
        desk: Desk,
    ) -> None:
        """``desk``: where answers are finished, and put on record."""
        self._searching = searching
        self._shown = shown
        self._knowledge = knowledge
        self._copilot = copilot
        self._desk = desk

    def answering(self) -> Mapping[str, Answering]:
        """Return what answers each route."""
        return {"POST /api/ask": self.ask}

    async def ask(self, asked: Asked) -> Response:
        """Answer a question."""
        body, user = asked.body, asked.signed_in.user
        assert isinstance(body, QuestionAsked)  # noqa: S101 - its route says so
        snapshot = self._shown.snapshot(asked.sight)
        asker = Asker(name=user.user_id, known=True, sight=asked.sight)
        roles = frozenset(user.roles)

        def reads(connection: sqlite3.Connection, searched: Searched | None) -> Answer:
            return answered(self._ground(connection, searched, snapshot, asker), body.question, roles=roles)

        answer = await self._searching.read_with(reads)
        finished = await self._desk.finished(body.question, answer, asker, snapshot.at)
        return Response(answer_view(finished.answer).model_dump_json(), media_type="application/json")

    def _ground(
        self, connection: sqlite3.Connection, searched: Searched | None, snapshot: Snapshot, asker: Asker
    ) -> Ground:
        return Ground(
            state=connection, line=snapshot.line, now_ns=snapshot.at.wall_ns, asker=asker,
            language=snapshot.line.language, synonyms=self._knowledge.synonyms, searched=searched,
            contacts=self._copilot.contacts, meaning=self._knowledge.meaning,
        )  # fmt: skip
