"""What clients ask for: the shapes of their requests, within bounds. What is not known in one is ignored."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt

MOST_IDS = 1000
_Id = Annotated[str, Field(max_length=1024)]
_Ids = Annotated[list[_Id], Field(min_length=1, max_length=MOST_IDS)]
_Client = Annotated[str, Field(min_length=1, max_length=512)]
_Depth = Annotated[StrictInt, Field(ge=0, lt=2**63)]


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", str_max_length=4096)


class Elements(_Asked):
    """Elements by their ids."""

    elementIds: _Ids  # noqa: N815 - as i3X names it
    includeMetadata: bool = False  # noqa: N815


class Related(Elements):
    """What is related to objects."""

    relationshipType: _Id | None = None  # noqa: N815


class Values(_Asked):
    """Values of objects; ``maxDepth`` 0: with all that they are composed of."""

    elementIds: _Ids  # noqa: N815
    maxDepth: _Depth = 1  # noqa: N815


class Histories(Values):
    """Values of objects between two instants."""

    startTime: str = Field(max_length=64)  # noqa: N815
    endTime: str = Field(max_length=64)  # noqa: N815


class NewSubscription(_Asked):
    """A subscription that is to be made."""

    clientId: _Client  # noqa: N815
    displayName: str | None = Field(default=None, max_length=256)  # noqa: N815


class Subscriptions(_Asked):
    """Subscriptions of a client."""

    clientId: _Client  # noqa: N815
    subscriptionIds: _Ids  # noqa: N815


class Registered(_Asked):
    """Objects that a subscription begins or ends to follow."""

    clientId: _Client  # noqa: N815
    subscriptionId: _Id  # noqa: N815
    elementIds: _Ids  # noqa: N815
    maxDepth: _Depth = 1  # noqa: N815


class Synced(_Asked):
    """What has come on a subscription; ``lastSequenceNumber``: up to which the client has it, -1: all."""

    clientId: _Client  # noqa: N815
    subscriptionId: _Id  # noqa: N815
    lastSequenceNumber: Any = None  # noqa: N815 - one that is none acknowledges nothing
