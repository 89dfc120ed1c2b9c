"""The layered layout: what holds for every graph, on graphs made by chance."""

import os
import random
import subprocess
import sys
from itertools import combinations, pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.graph.errors import GraphError
from chainrule.show.layered import curve, layered
from chainrule.show.layered.crossings import untangle
from chainrule.show.layered.ladder import ladder
from chainrule.show.layered.places import places
from chainrule.show.layered.ranks import ranks
from chainrule.show.measure import width_of


@st.composite
def graphs(draw, most=14):
    """Edges from earlier to later nodes, some of them twice, and sizes for the nodes."""
    count = draw(st.integers(1, most))
    pairs = list(combinations(range(count), 2))
    edges = draw(st.lists(st.sampled_from(pairs), max_size=2 * count)) if pairs else []
    side = st.sampled_from([12.0, 24.0, 60.0, 130.0])
    sizes = {v: (draw(side), draw(side)) for v in range(count)}
    return list(range(count)), edges, sizes


def boxes(plan):
    return [(*plan.at[n], *plan.size[n]) for n in plan.at]


def apart(a, b):
    (x0, y0, w0, h0), (x1, y1, w1, h1) = a, b
    return abs(x0 - x1) >= (w0 + w1) / 2 - 0.01 or abs(y0 - y1) >= (h0 + h1) / 2 - 0.01


def meets(box, p, q):
    """Whether a piece of an edge comes where a box is; a curve stays between its ends."""
    (x, y, w, h), (x0, y0), (x1, y1) = box, p, q
    beside = x0 >= x + w / 2 - 0.1 or x1 <= x - w / 2 + 0.1
    return not beside and min(y0, y1) < y + h / 2 - 0.1 and max(y0, y1) > y - h / 2 + 0.1


def crossings_seen(edges, plan):
    """Pairs of edges that cross, counted between the lines as they are drawn."""
    lines = [[plan.at[a], *plan.routes[e], plan.at[b]] for e, (a, b) in enumerate(edges)]
    return sum(
        cut(*p, *q) for one, other in combinations(lines, 2)
        for p in pairwise(one) for q in pairwise(other)
    )  # fmt: skip


def cut(a, b, c, d):
    """Whether the segments ab and cd cross inside both."""

    def side(p, q, r):
        off = (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])
        return 0 if abs(off) < 1e-6 * (1 + abs(q[0] - p[0])) else (1 if off > 0 else -1)

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


@settings(deadline=None, max_examples=150)
@given(graphs(), st.booleans())
def test_no_two_nodes_overlap(graph, across):
    plan = layered(*graph, across=across)
    assert all(apart(a, b) for a, b in combinations(boxes(plan), 2))


@settings(deadline=None, max_examples=150)
@given(graphs(), st.booleans())
def test_all_of_it_lies_within_the_picture(graph, across):
    plan = layered(*graph, across=across)
    for x, y, w, h in boxes(plan):
        assert -0.01 <= x - w / 2 <= x + w / 2 <= plan.width + 0.01
        assert -0.01 <= y - h / 2 <= y + h / 2 <= plan.height + 0.01
    for x, y in (point for route in plan.routes.values() for point in route):
        assert -0.01 <= x <= plan.width + 0.01
        assert -0.01 <= y <= plan.height + 0.01


@settings(deadline=None, max_examples=150)
@given(graphs())
def test_edges_go_forward_from_border_to_border(graph):
    nodes, edges, sizes = graph
    plan = layered(nodes, edges, sizes)
    assert list(plan.routes) == list(range(len(edges)))
    for (a, b), route in zip(edges, plan.routes.values(), strict=True):
        assert plan.rank[a] < plan.rank[b]
        assert all(p[0] < q[0] for p, q in pairwise(route))
        assert route[0][0] == pytest.approx(plan.at[a][0] + sizes[a][0] / 2)
        assert route[-1][0] == pytest.approx(plan.at[b][0] - sizes[b][0] / 2)
        assert abs(route[-1][1] - plan.at[b][1]) <= sizes[b][1] / 2


@settings(deadline=None, max_examples=150)
@given(graphs())
def test_no_edge_runs_through_a_node(graph):
    nodes, edges, sizes = graph
    plan = layered(nodes, edges, sizes)
    for (a, b), route in zip(edges, plan.routes.values(), strict=True):
        others = [(*plan.at[n], *sizes[n]) for n in nodes if n not in (a, b)]
        assert not any(meets(box, p, q) for box in others for p, q in pairwise(route))


@settings(deadline=None, max_examples=100)
@given(graphs())
def test_the_crossings_it_tells_are_those_one_sees(graph):
    nodes, edges, sizes = graph
    plan = layered(nodes, edges, sizes)
    assert plan.crossings == crossings_seen(edges, plan)


def bent(nodes, edges):
    """Links within long edges that are not straight, though no other long edge crosses there."""
    rank = layered(nodes, edges).rank
    rungs = ladder([rank[n] for n in nodes], [(40.0, 24.0)] * len(nodes), edges,
                   [(0.0, 0.0)] * len(edges), {})  # fmt: skip
    untangle(rungs)
    y = places(rungs, 18.0)
    place = {v: k for row in rungs.rows for k, v in enumerate(row)}
    inner = [(v, h) for v, h in enumerate(rungs.heir) if h >= 0]
    return inner, [
        (v, h) for v, h in inner
        if abs(y[v] - y[h]) > 1e-6
        and not any((place[a] < place[v]) != (place[b] < place[h])
                    for a, b in inner if rungs.rank[a] == rungs.rank[v] and a != v)
    ]  # fmt: skip


@settings(deadline=None, max_examples=100)
@given(graphs())
def test_the_middle_part_of_a_long_edge_is_straight_unless_it_crosses_another(graph):
    nodes, edges, _ = graph
    assert bent(nodes, edges)[1] == []


@pytest.mark.parametrize("seed", range(6))
def test_a_line_that_forks_goes_straight_on(seed):
    chance, count = random.Random(seed), 30
    edges = [(0, b) for b in range(1, count)]
    edges += [(chance.choice([0, 1 % b, chance.randrange(b)]), b) for b in range(1, count)]
    edges += [(b - 1, b) for b in range(2, count, 2)]
    inner, found = bent(list(range(count)), edges)
    assert inner
    assert found == []


def fewest(left, right, edges):
    """The least crossings two rows can have, by trying all orders."""

    def count(a, b):
        at = {n: k for row in (a, b) for k, n in enumerate(row)}
        pairs = combinations([(at[p], at[q]) for p, q in edges], 2)
        return sum((p[0] - q[0]) * (p[1] - q[1]) < 0 for p, q in pairs)

    return min(count(a, b) for a in permutations(left) for b in permutations(right))


def test_two_rows_have_hardly_more_crossings_than_they_must():
    chance, found, least = random.Random(0), 0, 0
    for _ in range(25):
        left, right = ["a", "b", "c", "d"], ["p", "q", "r", "s"]
        edges = [(a, p) for a in left for p in right if chance.random() < 0.55]
        edges += [("start", a) for a in left] + [(p, "end") for p in right]
        plan = layered(["start", *left, *right, "end"], edges)
        if len({plan.rank[n] for n in left}) == len({plan.rank[n] for n in right}) == 1:
            found += plan.crossings
            least += fewest(left, right, [e for e in edges if "start" not in e and "end" not in e])
    assert least > 20
    assert found <= 1.02 * least


@settings(deadline=None, max_examples=150)
@given(graphs(most=9))
def test_rooms_for_labels_are_on_their_edges_and_free(graph):
    nodes, edges, sizes = graph
    plan = layered(nodes, edges, sizes, room=(50, 30))
    rooms = [(*plan.labels[e], 50.0, 30.0) for e in range(len(edges))]
    assert all(apart(a, b) for a, b in combinations([*rooms, *boxes(plan)], 2))
    for e, (x, y, w, _) in enumerate(rooms):
        level = [(p, q) for p, q in pairwise(plan.routes[e]) if p[1] == pytest.approx(y, abs=0.1)]
        assert any(p[0] <= x - w / 2 + 0.1 and q[0] >= x + w / 2 - 0.1 for p, q in level)


@settings(deadline=None, max_examples=80)
@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_hardly_matters(graph, chance):
    nodes, edges, sizes = graph
    first = layered(nodes, edges, sizes)
    shuffled, links = list(nodes), list(edges)
    chance.shuffle(shuffled)
    chance.shuffle(links)
    second = layered(shuffled, links, sizes)
    spans = [sum(p.rank[b] - p.rank[a] for a, b in edges) for p in (first, second)]
    assert spans[0] == spans[1]
    assert abs(first.crossings - second.crossings) <= 2 + first.crossings // 2


@settings(deadline=None, max_examples=100)
@given(graphs())
def test_ranks_leave_no_edge_that_a_single_node_could_shorten(graph):
    nodes, edges, _ = graph
    plan = layered(nodes, edges)
    for n in nodes:
        into, out = ([e for e in edges if e[side] == n] for side in (1, 0))
        if len(into) > len(out):
            assert min(plan.rank[n] - plan.rank[a] for a, _ in into) == 1
        if len(out) > len(into):
            assert min(plan.rank[b] - plan.rank[n] for _, b in out) == 1


def test_ranks_are_the_best_there_are_on_a_graph_that_needs_a_group_to_move():
    # Two sinks of one source: the tail of four pulls its head to the right, both together.
    links = [(0, 1, 1), (1, 2, 1), (2, 3, 1), (4, 3, 1), (5, 4, 1), (5, 6, 1), (6, 3, 1)]
    rank = ranks(7, links)
    assert sum(rank[b] - rank[a] for a, b, _ in links) == 7


@pytest.mark.parametrize("span", [2, 5, 9])
def test_a_long_edge_is_straight_between_its_ends(span):
    chain = [(k, k + 1) for k in range(span)]
    plan = layered(range(span + 1), [*chain, (0, span)])
    inner = plan.routes[span][1:-1]
    middle = [p for p in inner if plan.at[0][0] + 50 < p[0] < plan.at[span][0] - 50]
    assert len({y for _, y in middle}) == 1


def test_long_edges_that_do_not_cross_are_all_straight():
    chain = [(k, k + 1) for k in range(8)]
    plan = layered(range(9), [*chain, (0, 8), (1, 7), (2, 6)])
    assert plan.crossings == 0
    for e in (8, 9, 10):
        levels = [y for (x0, y), (x1, z) in pairwise(plan.routes[e]) if y == z and x1 - x0 > 80]
        assert len(set(levels)) == 1


def test_a_tree_is_drawn_without_a_crossing():
    edges = [(k, (k - 1) // 2) for k in range(62, 0, -1)]
    assert layered(range(62, -1, -1), edges).crossings == 0


def test_of_two_edges_between_the_same_nodes_both_are_seen():
    plan = layered("xm", [("x", "m"), ("x", "m")])
    assert plan.routes[0][-1] != plan.routes[1][-1]
    assert plan.crossings == 0


def test_the_empty_graph_has_no_size():
    plan = layered([], [])
    assert (plan.width, plan.height, plan.at, plan.crossings) == (0.0, 0.0, {}, 0)


def test_one_node_fills_the_picture():
    plan = layered("a", [], {"a": (30, 10)})
    assert (plan.width, plan.height, plan.at["a"]) == (30.0, 10.0, (15.0, 5.0))


def test_parts_that_are_not_connected_stand_apart():
    plan = layered("abcdef", [("a", "b"), ("c", "d"), ("e", "f")])
    assert all(apart(a, b) for a, b in combinations(boxes(plan), 2))
    assert plan.rank == {"a": 0, "b": 1, "c": 0, "d": 1, "e": 0, "f": 1}


def test_downward_is_across_turned():
    edges, sizes = [("a", "b"), ("a", "c"), ("b", "c")], {n: (30, 30) for n in "abc"}
    across, down = layered("abc", edges, sizes), layered("abc", edges, sizes, across=False)
    assert {n: (y, x) for n, (x, y) in across.at.items()} == down.at
    assert down.path(1).startswith("M")


def test_an_edge_leaves_and_arrives_where_it_is_told():
    plan = layered("ab", [("a", "b")], {"a": (20, 60), "b": (20, 60)}, ports={0: (-20, 15)})
    (_, y0), (_, y1) = plan.routes[0][0], plan.routes[0][-1]
    assert (y0, y1) == (plan.at["a"][1] - 20, pytest.approx(plan.at["b"][1] + 15))
    assert y0 == pytest.approx(y1)  # the nodes stand so that the edge is straight


def test_edges_too_long_for_bends_run_below_all_nodes():
    chain = [(k, k + 1) for k in range(400)]
    far = [(k, k + 200) for k in range(0, 200, 2)]
    plan = layered(range(401), [*chain, *far])
    lowest = max(y + h / 2 for _, y, _, h in boxes(plan))
    detours = [e for e, route in plan.routes.items() if max(y for _, y in route) > lowest]
    assert detours
    for p, q in combinations(detours, 2):
        a, b = (max(y for _, y in plan.routes[e]) for e in (p, q))
        spans = [sorted(x for x, y in plan.routes[e] if y == max(a, b)) for e in (p, q)]
        assert a != b or spans[0][-1] <= spans[1][0] or spans[1][-1] <= spans[0][0]


NESTED = {
    "nodes": ["x", "w", "l", "t", "v", "m", "a"],
    "edges": [("x", "l"), ("w", "l"), ("l", "t"), ("t", "m"), ("v", "m"), ("m", "a"), ("x", "a")],
    "groups": {"w": "A", "l": "A", "t": "B", "v": "C", "m": "C", "A": "S", "B": "S", "C": "S"},
}


@pytest.mark.parametrize("across", [True, False])
def test_a_group_holds_its_members_and_nothing_else(across):
    plan = layered(**NESTED, sizes={"B": (150, 20)}, across=across)
    assert plan.boxes["B"][2] >= 150
    groups = NESTED["groups"]

    def around(key):
        return [groups[key], *around(groups[key])] if key in groups else []

    every = {n: (*plan.at[n], *plan.size[n]) for n in plan.at} | plan.boxes
    for key, (x, y, w, h) in every.items():
        for g, (gx, gy, gw, gh) in plan.boxes.items():
            within = abs(x - gx) + w / 2 <= gw / 2 and abs(y - gy) + h / 2 <= gh / 2
            if g in around(key):
                assert within
            elif key not in around(g) and key != g:
                assert apart((x, y, w, h), (gx, gy, gw, gh))
    assert plan.crossings == 0


def test_a_chain_of_groups_is_straight():
    groups = {k: f"g{k}" for k in range(4)}
    plan = layered(range(4), [(0, 1), (1, 2), (2, 3)], groups=groups)
    assert len({round(y, 3) for _, y in plan.at.values()}) == 1


def test_a_group_that_would_close_a_circle_has_no_box():
    plan = layered("abc", [("a", "b"), ("b", "c")], groups={"a": "G", "c": "G"})
    assert plan.boxes == {}
    assert plan.rank == {"a": 0, "b": 1, "c": 2}


def test_a_circle_is_refused_by_name():
    with pytest.raises(GraphError, match=r"circle: 'c' ← 'b' ← 'a' ← 'c'|circle: 'b'|circle: 'a'"):
        layered("abc", [("a", "b"), ("b", "c"), ("c", "a")])


def test_an_unknown_node_is_refused_by_name():
    with pytest.raises(GraphError, match="edge 0 joins 'z'"):
        layered("a", [("a", "z")])


def test_a_node_given_twice_is_refused():
    with pytest.raises(GraphError, match="given twice"):
        layered("aa", [])


SAME = """
from chainrule.show.layered import layered
nodes = [f"n{k}" for k in range(60)]
edges = [(nodes[k // 3], nodes[k]) for k in range(1, 60)] + [
    (nodes[k], nodes[k + 7]) for k in range(0, 50, 3)
]
groups = {n: "A" for n in nodes[20:23]} | {n: "B" for n in nodes[40:44]}
edges = [(a, b) for a, b in edges if a != b]
plan = layered(nodes, edges, room=(30, 20), groups=groups)
print(plan.at, plan.routes, plan.labels, plan.boxes, plan.crossings)
"""


def test_the_layout_is_the_same_in_every_process():
    found = {
        subprocess.run(
            [sys.executable, "-c", SAME], env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, check=True, text=True,
        ).stdout
        for seed in ("0", "1", "12345")
    }  # fmt: skip
    assert len(found) == 1


def test_a_curve_goes_through_its_points_along_the_flow():
    assert curve([(0, 0), (10, 8)], across=False) == "M0 0C0 4 10 4 10 8"
    assert curve([(5, 0), (5, 9)], across=False) == "M5 0L5 9"
    assert curve([]) == ""


@pytest.mark.parametrize(
    ("narrow", "wide"), [("i", "W"), ("aaa", "aaaa"), ("x", "水"), ("e\u0301", "ee")]
)
def test_a_wider_text_is_measured_wider(narrow, wide):
    assert width_of(narrow) < width_of(wide)


def test_a_width_grows_with_the_size_and_with_boldness():
    assert width_of("δ = 0.73", 24) == pytest.approx(2 * width_of("δ = 0.73", 12))
    assert width_of("δ = 0.73", bold=True) > width_of("δ = 0.73")


def test_an_empty_text_has_no_width():
    assert width_of("") == 0.0
