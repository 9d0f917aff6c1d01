"""People: names in the configuration that are of nobody."""

from collections.abc import Iterator

from gateway.cli.checkup.records import Examined, Remark, State
from gateway.store.queries.users import users_of_all


def sights(seen: Examined) -> Iterator[Remark]:
    """Say whose sight is limited, and which names are no user's: whoever was meant sees the records of all clients."""
    named = {user for table in seen.settings.knowledge.sight for user in table.users}
    if seen.store is None or not named:
        return
    unknown = sorted(named - {user.user_id for user in users_of_all(seen.store)})
    if unknown:
        yield Remark(
            state=State.WRONG, what=f"no users: {', '.join(unknown)}; who is meant sees the records of all clients",
            where="knowledge.sight.users", do="write them as labline user list shows them, or add these users",
        )  # fmt: skip
    else:
        yield Remark(state=State.OK, what=f"see the records of some clients alone: {', '.join(sorted(named))}")
