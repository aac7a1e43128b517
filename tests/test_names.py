"""What pictures call a node: by its own name, by a variable of the notebook, by its place in a network."""
import copy
import itertools
import pickle
import random
import time
from collections import namedtuple

import numpy as np
import pytest


@pytest.fixture
def book(nb, monkeypatch):
    """A function that gives the notebook public variables, taken back after the test."""
    def give(**things):
        for name, thing in things.items():
            monkeypatch.setattr(nb, name, thing, raising=False)
    return give


def nodes(nb, count):
    """Return nodes without names."""
    return [nb.Node(k) for k in range(count)]


def network(nb, inputs=2, sizes=(2, 1), **extra):
    """Return a network that is the same every time."""
    return nb.MLP(inputs, [*sizes], "tanh", rng=random.Random(3), **extra)


def sentences(nb, root):
    """Return every caption of the film of a backward pass, and its scene."""
    root.backward()
    scene = nb._Scene(root)
    return [frame["caption",] for frame in nb._film(scene, root._pass(1))[0]], scene


# ---- names from the notebook

def test_a_node_in_a_list_is_called_by_its_place(nb, book):
    a, b, c, d, e, f, g, h = nodes(nb, 8)
    book(xs=[a, b], pair=(c, 5, d), rows=[[1, 2], [], [None, e], (f,)], p={"w": g, 'a "b"': h, 3: nb.Node(1)})
    words = nb._Words()
    assert [words.name(x) for x in (a, b, c, d, e, f, g, h, nb.p[3])] == [
        "xs[0]", "xs[1]", "pair[0]", "pair[2]", "rows[2][1]", "rows[3][0]", 'p["w"]', r'p["a \"b\""]', ""]
    assert words.title(a) == "xs[0] input" and words.call(g) == 'p["w"]'
    assert words.formula(a + g) == 'xs[0] + p["w"] = 0 + 6 = 6'


def test_dicts_and_lists_hold_each_other_one_level_deep(nb, book):
    a, b, c, d = nodes(nb, 4)
    book(params={"w": [a], "more": {"bias": b}}, layers=[{"w": c}], deep=[[[d]]])
    words = nb._Words()
    assert [words.name(x) for x in (a, b, c, d)] == ['params["w"][0]', 'params["more"]["bias"]', 'layers[0]["w"]', ""]


def test_own_name_then_variable_then_the_shallowest_place_found_first(nb, book):
    own, bound, both, twice = nb.Node(1, name="own"), *nodes(nb, 3)
    book(rows=[[both, twice]], all_of_them=[own, bound, both, twice], again=[both, twice], zz=bound)
    words = nb._Words()
    assert [words.name(x) for x in (own, bound, both, twice)] == ["own", "zz", "all_of_them[2]", "all_of_them[3]"]


def test_what_is_private_or_belongs_to_ipython_names_nothing(nb, book):
    a, b, c, d, e = nodes(nb, 5)
    book(_a=[a], In=[b], Out={"x": c}, _=d, __=(d,), _oh={"x": e})
    assert [nb._Words().name(x) for x in (a, b, c, d, e)] == [""] * 5


def test_a_record_is_no_list(nb, book):
    """The steps of a pass, a namedtuple each, must not rename the operations of chapter 3."""
    a = nb.Node(2, name="a")
    root = a * a
    steps, _ = nb.steps_of(root._pass(1))
    book(steps=steps, point=namedtuple("Point", "x")(root))
    assert nb._Words().title(root) == "× multiply"


def test_only_the_first_two_hundred_entries_are_looked_at(nb, book):
    many = nodes(nb, 201)
    book(many=many, table={str(k): nb.Node(k) for k in range(201)})
    words = nb._Words()
    assert words.name(many[199]) == "many[199]" and words.name(many[200]) == ""
    assert words.name(nb.table["199"]) == 'table["199"]' and words.name(nb.table["200"]) == ""


def test_a_list_that_holds_itself_and_odd_things_do_no_harm(nb, book):
    class Strange:
        """A thing that answers no question."""

        def __getattr__(self, name):
            raise RuntimeError(name)

        __eq__ = __bool__ = __len__ = __iter__ = __getattr__

        def __hash__(self):
            raise RuntimeError("hash")

    a, loop = nb.Node(1), []
    loop += [loop, a]
    book(loop=loop, odd=[Strange(), np.zeros(3), a], strange=Strange(), empty=[], nothing={})
    assert nb._Words().name(a) == "loop[1]"


def test_tensors_in_lists_have_names_too(nb, book):
    weights = [nb.Tensor([[1.0, 2.0]], "weight"), nb.Tensor([1.0], "bias")]
    book(weights=weights)
    assert nb._Words().title(weights[1]) == "weights[1] bias"
    assert "weights[0] weight" in nb._draw_graph((weights[0] + weights[1]).sum()).alt


def test_a_number_in_a_list_has_a_box_of_its_own(nb, book):
    two = nb.Node(2, "constant")
    root = nb.Node(3, name="a") * two
    assert nb._Words().title(root) == "□ × 2"
    book(factors=[two])
    assert nb._Words().title(root) == "× multiply" and len(nb._Scene(root).boxes) == 3


def test_looking_for_names_is_fast(nb, book):
    book(numbers=[0.5] * 100_000, points=[[0.5, 1.0]] * 100_000, table=dict.fromkeys(map(str, range(100_000)), 1.0),
         last=[nb.Node(1)], **{f"filler_{k}": k for k in range(1000)})
    times = []
    for _ in range(10):
        begin = time.perf_counter()
        words = nb._Words()
        times.append(time.perf_counter() - begin)
    assert words.name(nb.last[0]) == "last[0]" and min(times) < 0.002


# ---- names of parameters

def test_the_parameters_of_a_network_tell_their_layer_and_neuron(nb):
    assert [p.name for p in nb.MLP(2, [2, 1]).parameters()] == [
        "layer 1, neuron 1, w1", "layer 1, neuron 1, w2", "layer 1, neuron 1, b",
        "layer 1, neuron 2, w1", "layer 1, neuron 2, w2", "layer 1, neuron 2, b",
        "layer 2, neuron 1, w1", "layer 2, neuron 1, w2", "layer 2, neuron 1, b"]
    assert [p.name for p in nb.Layer(1, 2).parameters()] == ["neuron 1, w1", "neuron 1, b", "neuron 2, w1", "neuron 2, b"]
    assert [p.name for p in nb.Layer(1, 1).parameters()] == ["neuron 1, w1", "neuron 1, b"]
    assert [p.name for p in nb.Neuron(2).parameters()] == ["w1", "w2", "b"]
    names = [p.name for p in nb.MLP(3, [11, 12, 3]).parameters()]
    assert len(set(names)) == len(names) and names[-1] == "layer 3, neuron 3, b" and "layer 2, neuron 12, w11" in names


def test_names_cost_no_random_number_and_survive_a_copy(nb):
    model, rng = network(nb), random.Random(3)
    assert [p.value for p in model.parameters() if p.role == "weight"] == [rng.uniform(-1, 1) for _ in range(6)]
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert [p.name for p in twin.parameters()] == [p.name for p in model.parameters()]
    nb.set_values(model, [0.5] * 9)
    assert model.parameters()[3].name == "layer 1, neuron 2, w1" and repr(model) == "MLP(2 → 2 → 1, tanh, 9 parameters)"
    assert "name='layer 1, neuron 2, w1'" in repr(model.parameters()[3])


def test_an_error_tells_which_parameter(nb):
    model = network(nb)
    model([1.0, 2.0]).operands[0].backward()
    with pytest.raises(ValueError, match="^layer 1, neuron 1, w1 has no gradient"):
        nb.SGD(model.parameters()).step()


@pytest.mark.parametrize("name, short", [
    ("layer 1, neuron 2, w1", "L1 N2 w1"), ("layer 12, neuron 10, w103", "L12 N10 w103"), ("layer 2, neuron 1, b", "L2 N1 b"),
    ("neuron 2, w1", "N2 w1"), ("neuron 3, b", "N3 b"), ("w1", "w1"), ("", ""), ("layer 1, w1", "layer 1, w1"),
    ("my layer 1, neuron 2, w1", "my layer 1, neuron 2, w1"), ("neuron 2, w1 old", "neuron 2, w1 old"),
    ("layer 1, neuron 2", "layer 1, neuron 2"), ("LNone neuron 2, b", "LNone neuron 2, b")])
def test_short_names(nb, name, short):
    assert nb._short(name) == short


# ---- headers

def test_a_header_has_a_name_to_cut_and_a_role_to_keep(nb):
    x, w, n = nb.Node(1, "input", "x1"), nb.Node(2, "weight"), network(nb).parameters()[3]
    named, tripled, equal = x * w, x * 3, (x * 3).relu()
    named.name, tripled.name, equal.name = "L", "b", "n"
    words = nb._Words()
    assert {words.title(node): words.parts(node) for node in (x, w, n, x * w, named, x * 3, tripled, equal, w.tanh())} == {
        "x1 input": ("x1", "input"), "weight": ("", "weight"), "L1 N2 w1 weight": ("L1 N2 w1", "weight"),
        "× multiply": ("", "× multiply"), "× L": ("× L", ""), "□ × 3": ("", "□ × 3"), "b = □ × 3": ("b = □ × 3", ""),
        "relu n": ("relu n", ""), "tanh": ("", "tanh")}


def test_a_scene_has_the_same_parts(nb):
    small, large = network(nb)([0.5, -0.5]), network(nb, sizes=(60, 1))([0.5, -0.5])
    for root in (small, large):
        scene = nb._Scene(root)
        for i in range(len(scene.boxes)):
            parts = scene.parts(i)
            assert len(parts) == 2 and scene.title(i) == " ".join(filter(None, parts)) != ""
            assert len(scene.boxes[i]) > 1 or parts == scene.words.parts(scene.boxes[i][0])
    assert scene.folded and ("", "120 weights") in map(scene.parts, range(len(scene.boxes)))
    assert ("", "60 biases") in map(scene.parts, range(len(scene.boxes)))


def test_the_picture_of_a_network_says_which_weight_is_which(nb):
    scene = nb._Scene(network(nb)([nb.Node(0.5, name="x1"), nb.Node(-0.5, name="x2")]))
    titles = [scene.title(i) for i in range(len(scene.boxes))]
    assert {f"L{i} N{j} {p}" for i, j in ((1, 1), (1, 2), (2, 1)) for p in ("w1 weight", "w2 weight", "b bias")} <= {*titles}
    assert titles.count("weighted sum") == 3 and titles.count("tanh") == 2
    assert "L1 N2 w1 weight: value" in scene.root.draw_graph().alt


# ---- sentences

def test_sentences_call_an_operation_of_a_network_after_its_neuron(nb):
    x = [nb.Node(0.5, name="x1"), nb.Node(-0.5, name="x2")]
    said, scene = sentences(nb, network(nb)(x))
    told = " ".join(itertools.chain(*said))
    assert "; the tanh of layer 1, neuron 1 gets 0.251 × 1 = 0.251; the tanh of layer 1, neuron 2 gets " in told
    assert "the weighted sum of layer 1, neuron 2 gets " in told and "layer 2, neuron 1, w1 gets " in told
    assert "of value" not in told and "L1" not in told
    assert scene.words.call(scene.root) == "the weighted sum of layer 2, neuron 1"
    assert scene.words.formula(scene.root.operands[2].operands[0]).startswith("weighted sum(layer 1, neuron 1, w1, ")


def test_two_points_through_one_network_are_told_apart(nb):
    model = network(nb)
    said, scene = sentences(nb, model([0.5, -0.5]) + model([1.0, 2.0]))
    told = " ".join(itertools.chain(*said))
    one, two = [root.operands[2] for root in scene.root.operands]
    calls = [scene.words.call(node) for node in (one, two)]
    assert calls == [f"the tanh of layer 1, neuron 1 of value {node.value:.3g}".replace("-", "−") for node in (one, two)]
    assert calls[0] != calls[1] and all(f"{call} gets " in told for call in calls)
    assert "layer 2, neuron 1, w1 gets" in told and "w1 of value" not in told


def test_a_named_point_does_not_count_as_alike(nb):
    model = network(nb)
    one, two = model([0.5, -0.5]), model([1.0, 2.0])
    two.name = "second"
    words = nb._Scene(one + two).words
    assert words.call(two) == "second" and words.call(one) == "the weighted sum of layer 2, neuron 1"


def test_a_layer_a_neuron_and_sums_of_ones_own(nb, book):
    outputs = nb.Layer(2, 2, "relu", random.Random(1))([1.0, 2.0])
    alone = nb.Neuron(2, "tanh", random.Random(1))([1.0, 2.0])
    w, x = nodes(nb, 2), nodes(nb, 2)
    book(w=w)
    own, words = nb.weighted_sum(w, x, nb.Node(1)), nb._Words()
    assert words.call(outputs[1]) == "the relu of neuron 2"
    assert words.call(outputs[0].operands[0]) == "the weighted sum of neuron 1"
    assert words.call(alone) == f"the tanh of value {alone.value:.3g}"
    assert words.call(own) == f"the weighted sum of value {own.value}"
    assert words.call(x[1]) == "the input of value 1"


@pytest.mark.parametrize("layer", [1, 2])
def test_other_sums_over_parameters_belong_to_no_neuron(nb, layer):
    model = nb.Layer(2, 1, "linear", random.Random(1)) if layer == 1 else network(nb)
    parameters = model.parameters()
    words = nb._Words()
    for node in (nb.weighted_sum(parameters, parameters), nb.total(parameters), parameters[0] * parameters[0],
                 parameters[0].tanh(), nb.weighted_sum([parameters[0]], [1.0], parameters[-1]) * 2,
                 nb.weighted_sum([parameters[0]], [1.0], nb.Node(1, "bias", "b"))):
        assert words.call(node).endswith(f" of value {node.value:.3g}".replace("-", "−")) and "neuron" not in words.call(node)


def test_the_last_sentence_keeps_names_with_commas_apart(nb):
    said, _ = sentences(nb, network(nb)([0.5, -0.5]))
    assert "; layer 2, neuron 1, w2.grad = " in said[-1][1] and said[-1][1].endswith("; …")
    a, b = nb.Node(1, name="a"), nb.Node(2, name="b")
    said, _ = sentences(nb, a * b)
    assert said[-1][1] == "a.grad = 2, b.grad = 1"


def test_the_words_of_ten_thousand_nodes_are_counted_once(nb):
    model = network(nb, sizes=(8, 1))
    root = nb.total([model([k / 100, 1.0]) for k in range(300)])
    words = nb._Words(nb.graph_of(root))
    begin = time.perf_counter()
    assert all(" of value " in words.call(node) for node in root.operands)
    assert words.counts["the tanh of layer 1, neuron 8"] == 300 and time.perf_counter() - begin < 0.5
