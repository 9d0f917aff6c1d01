"""An OPC UA client of the terminal's own, by which an operator moves setpoints at the plant."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from asyncua import Client, ua

from simulator.opcua_server import NAMESPACE
from simulator.terminal import MoveByHand


@asynccontextmanager
async def moving_by_hand(plant_url: str) -> AsyncIterator[MoveByHand]:
    """Connect to the plant's server until the block ends."""
    async with Client(plant_url) as plant:
        index = await plant.get_namespace_index(NAMESPACE)

        async def move(tag: str, value: float) -> None:
            node = plant.get_node(ua.NodeId(tag, index))
            await node.write_value(ua.DataValue(ua.Variant(value, ua.VariantType.Double)))

        yield move
