"""Trees of a model: every path through one ends, and soon. Pure."""

from collections.abc import Mapping

from gateway.inference.onnx_operator_inputs import KnownInputs, NotAllowedError

DEEPEST_TREE = 1000


def steps_of_trees(known: KnownInputs) -> int:
    """Return how many steps a row takes at most; raises where a path through a tree does not end, or is too deep."""
    lists = [known.node.attributes[f"nodes_{name}"].wholes for name in
             ("treeids", "nodeids", "truenodeids", "falsenodeids")]  # fmt: skip
    modes = known.node.attributes["nodes_modes"].texts
    if len({len(values) for values in (*lists, modes)}) != 1:
        raise NotAllowedError("its trees' lists are not of one length")
    following: dict[tuple[int, int], tuple[tuple[int, int], ...]] = {}
    for tree, node, on_true, on_false, mode in zip(*lists, modes, strict=True):
        if (tree, node) in following:
            raise NotAllowedError(f"node {node} of tree {tree} stands twice")
        following[tree, node] = () if mode == "LEAF" else ((tree, on_true), (tree, on_false))
    deepest: dict[int, int] = {}
    for (tree, _node), depth in _depths(following).items():
        deepest[tree] = max(depth, deepest.get(tree, 0))
        if depth > DEEPEST_TREE:
            raise NotAllowedError(f"tree {tree} is deeper than {DEEPEST_TREE}")
    return sum(deepest.values())


def _depths(following: Mapping[tuple[int, int], tuple[tuple[int, int], ...]]) -> dict[tuple[int, int], int]:
    """Return by node how long the longest path from it is.

    Raises where one goes in a ring or leads nowhere: the runtime follows it without counting.
    """
    depth: dict[tuple[int, int], int] = {}  # of nodes that were followed to their leaves
    for node in sorted(following, reverse=True):  # most trees are numbered from the root: their leaves come first
        if all(child in depth for child in following[node]):
            depth[node] = 1 + max((depth[child] for child in following[node]), default=0)
    for start in following:
        path, under_way = [] if start in depth else [start], set[tuple[int, int]]()
        while path:
            node = path[-1]
            if node not in following:
                raise NotAllowedError(f"a branch of tree {node[0]} leads to node {node[1]}, which is not there")
            open_ones = [child for child in following[node] if child not in depth]
            if open_ones and node not in under_way:
                under_way.add(node)
                if not under_way.isdisjoint(open_ones):
                    raise NotAllowedError(f"tree {node[0]} leads back to where it was")
                path += open_ones
                continue
            if open_ones:
                raise NotAllowedError(f"tree {node[0]} leads back to where it was")
            depth[node] = 1 + max((depth[child] for child in following[node]), default=0)
            under_way.discard(node)
            path.pop()
    return depth
