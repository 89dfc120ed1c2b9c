"""Which rank every node stands in, so that the edges together are short."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

Link = tuple[int, int, int]  # from, to, how many ranks it spans at least

PATIENCE = 400_000  # edges looked at while ranks are improved; a few hundred nodes need far less


def topological(count: int, links: Sequence[Link]) -> list[int]:
    """The nodes, each after all that lead to it; those on a circle are missing."""
    waits = [0] * count
    after: list[list[int]] = [[] for _ in range(count)]
    for a, b, _ in links:
        after[a].append(b)
        waits[b] += 1
    ready = [v for v in range(count) if not waits[v]]
    for v in ready:  # grows while it is walked
        for w in after[v]:
            waits[w] -= 1
            if not waits[w]:
                ready.append(w)
    return ready


def ranks(count: int, links: Sequence[Link], patience: int = PATIENCE) -> list[int]:
    """A rank for each node of a connected graph without circles, the smallest 0.

    The sum of the edges' spans is the least there is; of graphs with many thousands of edges,
    close to it. Where that leaves a choice, nodes stand near what reads them.
    Source: network simplex, Gansner et al. 1993, IEEE Trans. Softw. Eng. 19(3).

    >>> ranks(4, [(0, 1, 1), (1, 2, 1), (3, 2, 1)])
    [0, 1, 2, 1]
    """
    if not links:
        return [0] * count
    rank = [0] * count
    into: list[list[int]] = [[] for _ in range(count)]
    for e, (_, b, _) in enumerate(links):
        into[b].append(e)
    for v in topological(count, links):
        rank[v] = max((rank[links[e][0]] + links[e][2] for e in into[v]), default=0)
    # Where two edges could share out their spans either way, the later one counts a little more:
    # on the graphs of benchmarks/crossings that saves a sixth of the crossings.
    most = max(rank) + 1
    weights = [16 * most + rank[a] for a, _, _ in links]
    tree = _Tree(links, weights, rank)
    tree.improve(patience)
    least = min(rank)
    return [r - least for r in rank]


class _Tree:
    """A spanning tree of edges without slack; cutting one moves all that hangs below it.

    `pull` of a node is how much more weight leaves its part of the tree than enters it: above 0
    that part wants to the right, below 0 to the left.
    """

    def __init__(self, links: Sequence[Link], weights: Sequence[int], rank: list[int]):
        self.links, self.rank = links, rank
        count = len(rank)
        self.touches: list[list[int]] = [[] for _ in range(count)]
        self.pull = [0] * count
        for e, (a, b, _) in enumerate(links):
            self.touches[a].append(e)
            self.touches[b].append(e)
            self.pull[a] += weights[e]
            self.pull[b] -= weights[e]
        self.parent = [-1] * count
        self.edge = [-1] * count  # the tree's edge to the parent
        self.children: list[dict[int, None]] = [{} for _ in range(count)]
        for v in reversed(self._grow()):
            if self.parent[v] >= 0:
                self.pull[self.parent[v]] += self.pull[v]

    def _grow(self) -> list[int]:
        """Take in node after node by the edge of least slack, moved until it has none."""
        links, rank = self.links, self.rank
        found, inside = [0], [False] * len(rank)
        # All found nodes move together, so a slack is kept as it was when nothing had moved.
        moved, base = 0, [0] * len(rank)
        out, back = [], []  # edges that leave the tree, edges that enter it

        def take(new: int) -> None:
            inside[new] = True
            for e in self.touches[new]:
                a, b, least = links[e]
                slack = rank[b] - rank[a] - least
                if not inside[b]:
                    heappush(out, (slack + moved, e))
                elif not inside[a]:
                    heappush(back, (slack - moved, e))

        take(0)
        while len(found) < len(rank):
            for heap in (out, back):
                while heap and inside[links[heap[0][1]][0]] and inside[links[heap[0][1]][1]]:
                    heappop(heap)
            leaves = not back or (bool(out) and out[0][0] - moved <= back[0][0] + moved)
            kept, e = heappop(out if leaves else back)
            moved = kept if leaves else -kept  # by its slack, to the right or to the left
            old, new = links[e][:2] if leaves else links[e][1::-1]
            base[new] = moved
            found.append(new)
            self.parent[new], self.edge[new] = old, e
            self.children[old][new] = None
            take(new)
        for v in found:
            rank[v] += moved - base[v]
        return found

    def improve(self, patience: int) -> None:
        """Exchange edges of the tree until no part of it is pulled, or patience ends."""
        count, quiet, v = len(self.rank), 0, 0
        while quiet < count and patience > 0:
            v = (v + 1) % count
            quiet += 1
            if self.edge[v] >= 0 and self._stretched(v):
                patience -= self._exchange(v)
                quiet = 0

    def _stretched(self, v: int) -> bool:
        leaves = self.links[self.edge[v]][0] == v
        return self.pull[v] < 0 if leaves else self.pull[v] > 0

    def _exchange(self, v: int) -> int:
        """Move the part below `v` until another edge is tight; how many edges that looked at."""
        links, rank, parent = self.links, self.rank, self.parent
        part = self._below(v)
        inside = set(part)
        to_the_right = self.pull[v] > 0
        best, least, looked = -1, 0, 0
        for u in part:
            looked += len(self.touches[u])
            for e in self.touches[u]:
                a, b, span = links[e]
                end, other = (a, b) if to_the_right else (b, a)
                if end == u and other not in inside:
                    slack = rank[b] - rank[a] - span
                    if best < 0 or slack < least:
                        best, least = e, slack
        for u in part:
            rank[u] += least if to_the_right else -least
        a, b, _ = links[best]
        x, y = (a, b) if a in inside else (b, a)
        total, p = self.pull[v], parent[v]
        while p >= 0:
            self.pull[p] -= total
            p = parent[p]
        self._hang(v, x, y, best, total)
        while y >= 0:
            self.pull[y] += total
            y = parent[y]
        return looked

    def _below(self, v: int) -> list[int]:
        part = [v]
        for u in part:
            part.extend(self.children[u])
        return part

    def _hang(self, v: int, x: int, y: int, edge: int, total: int) -> None:
        """Take the part below `v` off its parent, and hang it by `x` under `y`."""
        del self.children[self.parent[v]][v]
        node, above, link, below = x, y, edge, 0
        while True:
            parent, old = self.parent[node], self.edge[node]
            mine = self.pull[node]
            self.parent[node], self.edge[node] = above, link
            self.children[above][node] = None
            self.pull[node] = total - below
            if node == v:
                return
            del self.children[parent][node]
            node, above, link, below = parent, node, old, mine
