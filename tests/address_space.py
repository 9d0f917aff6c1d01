"""The standard address space of OPC UA, built once and kept beside pytest's cache.

The library builds its six thousand nodes for each server anew, in about two seconds: the same ones each time. Here a
server gets them packed, and a node is unpacked where the server first looks at it.
"""

import os
import pickle
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

from asyncua.server.address_space import AddressSpace, NodeManagementService
from asyncua.server.internal_server import InternalServer

_DIRECTORY = Path(__file__).parents[1] / ".pytest_cache"


class _Nodes(dict):
    """Nodes by their id; a packed one is unpacked when it is asked for."""

    def __getitem__(self, node_id):
        node = super().__getitem__(node_id)
        if isinstance(node, bytes):
            node = pickle.loads(node)  # noqa: S301 - what this module has packed
            self[node_id] = node
        return node

    def get(self, node_id, default=None):
        return self[node_id] if node_id in self else default  # noqa: SIM401 - of a dict it would come packed

    def items(self):
        return [(node_id, self[node_id]) for node_id in self]

    def values(self):
        return [self[node_id] for node_id in self]


@cache
def _packed():
    """The nodes, packed one by one: from the file of an earlier run with these versions, else built."""
    python = ".".join(map(str, sys.version_info[:2]))
    file = _DIRECTORY / f"address-space-{version('asyncua')}-{python}.pickle"
    try:
        return pickle.loads(file.read_bytes())  # noqa: S301 - what this module has written
    except (OSError, EOFError, pickle.UnpicklingError):
        from asyncua.server.standard_address_space import standard_address_space  # noqa: PLC0415 - a second to load

        space = AddressSpace()
        standard_address_space.fill_address_space(NodeManagementService(space))
        packed = {node_id: pickle.dumps(space[node_id], pickle.HIGHEST_PROTOCOL) for node_id in space.keys()}  # noqa: SIM118
        file.parent.mkdir(exist_ok=True)
        unfinished = file.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(pickle.dumps(packed, pickle.HIGHEST_PROTOCOL))
        unfinished.replace(file)
        return packed


async def _load(server, shelf_file=None):
    server.aspace._nodes = _Nodes(_packed())


def keep():
    """From now on servers of this process get the address space that is kept."""
    InternalServer.load_standard_address_space = _load
