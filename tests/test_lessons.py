"""The functions that a lesson is told with: differences, races, paths, reports of exercises, valleys, digits."""
import html
import math
import random
import re
from collections import Counter

import numpy as np
import pytest
from cells import load, read, source
from sklearn.datasets import load_digits


def tower(nb, levels):
    """Return the first and the last node of diamonds y + tanh y on top of each other."""
    first = y = nb.Node(0.5)
    for _ in range(levels):
        y = y + y.tanh()
    return first, y


def paths(node, leaf):
    """Return every path from node down to leaf as its list of slopes."""
    return [[]] if node is leaf else [[s, *rest] for x, s in zip(node.operands, node.slopes) for rest in paths(x, leaf)]


# ---------------------------------------------------------------- chapters 1 and 2
def test_differences(nb):
    assert nb.f(3) == 20 and nb.f_slope(3) == 14
    assert nb.forward_difference(lambda x: x * x, 3, 0.5) == 6.5
    assert nb.central_difference(lambda x: x**3, 2, 0.5) == 12.25
    assert nb._measured_slope(lambda a, b: (a * b * b, None), (3.0, 2.0), 1, h=0.5) == 12
    assert nb._measured_slope(lambda a, b: (a**3 * b, None), (2.0, 5.0), 0, h=1) == 65
    assert nb._worst_error(lambda x: (x * x, (2 * x,)), (3.0,), (5.0,)) < 1e-8
    assert nb._worst_error(lambda x: (x * x, (2 * x + (x > 4),)), (3.0,), (5.0,)) == pytest.approx(1 / 11)
    assert nb._worst_error(lambda x: (x * x, (0.5,)), (0.0,)) == pytest.approx(0.5)


RULES = ["add", "sub", "mul", "div", "floordiv", "neg", "power", "sqrt", "exp", "log", "sin", "cos", "tanh", "sigmoid",
         "relu", "absolute", "floor"]


def test_the_table_of_rules_is_made_from_the_rules(nb):
    table = nb.rule_table(*[getattr(nb, name) for name in RULES])
    rows = {row[0]: row[1:] for row in table.rows}
    assert len(rows) == 17 and table.header == [
        "rule", "returns: value, (slopes)", "at", "value", "slopes", "as measured"]
    assert rows["mul"] == ["a * b,  (b, a)", "2, 3", "6", "3, 2", "✓"]
    assert rows["power"][1:] == ["2, 3", "8", "12, 5.545", "✓"] and rows["power"][0] == "value, (along_a, along_b)"
    assert rows["sigmoid"][1:] == ["0", "0.5", "0.25", "✓"] and "17 rules" in table.caption
    assert rows["floor"][-1] == rows["floordiv"][-1] == "flat between jumps"

    def crooked(x):
        return x * x, (2 * x + 1e-6,)
    with pytest.raises(AssertionError, match="crooked has a wrong slope"):
        nb.rule_table(crooked)


def test_three_ways_to_send_a_gradient(nb):
    rows = nb.race({"b * c": nb.example_graph, "c * b": lambda: nb.example_graph(swap=True)},
                   nb.push_every_path, nb.go_when_first_reached).rows
    assert rows[:3] == [["b * c", "push every path", "26", "4", "✓ right"],
                        ["b * c", "go when first reached", "14", "3", "✗ wrong"],
                        ["b * c", "wait for last user", "26", "3", "✓ right"]]
    assert [row[0] for row in rows[3:]] == ["c * b"] * 3 and [row[2] for row in rows[3:]] == ["26", "26", "26"]
    x = nb.Node(-1.0)
    nb.go_when_first_reached((2 * x).relu(), grads := Counter(), Counter())
    assert grads[x] == 0, "wrong for the one reason it teaches, not where a gradient is 0"


def test_all_right_ways_agree_on_random_graphs(nb):
    draw = random.Random(3)
    for _ in range(40):
        nodes = [nb.Node(draw.uniform(-1, 1)) for _ in range(3)]
        for _ in range(draw.randrange(1, 9)):
            a, b = draw.choice(nodes), draw.choice(nodes[-3:])
            nodes.append(draw.choice([lambda a, b: a * b, lambda a, b: a - b, lambda a, b: (a + b).tanh()])(a, b))
        root = nodes[-1]
        root.backward()
        right = {node: node.grad for node in nb.graph_of(root)}
        every, wait, sends = Counter(), Counter(), Counter()
        nb.push_every_path(root, every, Counter())
        nb._wait_for_last_user(root, wait, sends)
        nb.sweep_backward(root)
        for node, grad in right.items():
            assert every[node] == pytest.approx(grad, abs=1e-12) and wait[node] == node.grad == pytest.approx(grad, abs=1e-12)
            assert sends[node] == (1 if node.operands or node is root else 0)
            products = [math.prod(path) for path in paths(root, node)]
            assert sum(products) == pytest.approx(grad, abs=1e-12)
        order = nb.graph_of(root)
        place = {node: k for k, node in enumerate(order)}
        assert set(place) == set(right) and all(place[x] < place[n] for n in order for x in n.operands)


def test_the_recording_of_the_running_example(nb):
    a, L = nb.example_graph()
    b, c = L.operands
    steps, grads = nb.steps_of(L._pass(1))
    assert [step.node for step in steps] == [L, c, b]
    assert steps[0].reports == [(0, b, 7, None, 7, 1), (1, c, 6, None, 6, 0)]
    assert steps[1].reports[0] == (0, b, 6, 7, 13, 0) and steps[2].reports[1] == (1, a, 26, None, 26, 0)
    assert grads[a] == 26 and grads[L] == 1 and len(grads) == 6
    assert nb.steps_of(L._pass(0.5))[1][a] == 13
    assert "Then c sends: b has 13" in nb.draw_steps(steps).alt and "from b to L 7" in nb.draw_example().alt


def test_the_running_example(nb):
    for swap in (False, True):
        a, L = nb.example_graph(swap)
        assert (a.value, L.value, [x.name for x in L.operands]) == (3, 42, ["c", "b"] if swap else ["b", "c"])
        L.backward()
        assert (a.name, L.name, a.grad) == ("a", "L", 26) and L.rule is nb.mul


def test_the_picture_of_the_example_says_what_the_nodes_say(nb):
    a, L = nb.example_graph()
    for node in nb.graph_of(L):
        for operand, slope in zip(node.operands, node.slopes):
            if operand.name:
                assert nb._EDGES[operand.name, node.name][0] == f"∂{node.name}/∂{operand.name} = {slope}"


def test_towers_and_their_paths(nb):
    for levels in (1, 3, 5):
        first, last = tower(nb, levels)
        assert len(nb.graph_of(last)) == 2 * levels + 1 and first.value == 0.5
        assert len(paths(last, first)) == 2**levels
        every, early, wait = nb.race({"it": lambda levels=levels: tower(nb, levels)},
                                     nb.push_every_path, nb.go_when_first_reached).rows
        assert every[3] == f"{2 * 2**levels - 2}" and early[3] == wait[3] == f"{2 * levels}"
        assert every[4] == wait[4] == "✓ right"


def test_slopes_that_are_measured(nb):
    value, slopes = nb.measured(nb.mul, h=0.5)(3, 4)
    assert value == 12 and slopes == (4, 3)
    value, slopes = nb.measured(lambda x: (x * x, None), h=0.5)(3)
    assert value == 9 and slopes == (6.5,)
    assert nb.measured(nb.tanh)(0.3)[1][0] == pytest.approx(nb.tanh(0.3)[1][0], rel=1e-5)
    x = nb.Node(2.0)
    root = nb.lift(nb.measured(nb.mul))(x, x)
    root.backward()
    assert root.value == 4 and x.grad == pytest.approx(4, rel=1e-5)


def test_the_exam(nb):
    a, b = nb.Node(-4.0), nb.Node(2.0)
    c, d = a + b, a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    g = e**2 / 2.0 + 10.0 / e**2
    g.backward()
    assert (g.value, a.grad, b.grad) == pytest.approx((24.70408163265306, 138.83381924198252, 645.5772594752186), rel=1e-13)


@pytest.mark.parametrize("rule, said", [
    (lambda x: (x * x, (2 * x,)), "at (3.0,): right"), (lambda x: (x * x, (x,)), "at (3.0,): slope 1 is 3.0, nudging says 6"),
    (lambda x: (x * x, (None,)), "at (3.0,): slope 1 is None, nudging says 6"),
    (lambda x: (x * x, (2 * x, 1)), "at (3.0,): 1 slopes are wanted, 2 came"),
    (lambda x: (x * x, (6.0 + 7e-6,)), "at (3.0,): slope 1 is 6.000007, nudging says 6"),
    (lambda x: (x * x, (6.0 + 5e-6,)), "at (3.0,): right"),
    (lambda x: (math.log(-x), (1 / x,)), "at (3.0,): ValueError: math domain error"),
    (lambda x: x, "at (3.0,): TypeError: 'float' object is not subscriptable")])
def test_the_report_of_an_exercise(nb, capsys, rule, said):
    nb.report_rule(rule, (3.0,))
    out = capsys.readouterr().out
    assert out == said + "\n" or (said.endswith("subscriptable") and "TypeError" in out)


# ---------------------------------------------------------------- chapter 4
def test_the_valley_is_steep_across_and_flat_along(nb):
    points, targets = nb._valley()
    assert len(points) == 40 and targets == [x - 0.5 * y for x, y in points]
    spread = np.std(points, axis=0)
    assert abs(np.mean(points, axis=0)).max() < 0.4
    assert spread[0] == pytest.approx(0.5, rel=0.25) and spread[1] == pytest.approx(1.5, rel=0.25)
    assert nb._valley(7)[0] == nb._valley(9)[0][:7]
    path = nb._walk(nb.SGD, 0.29)
    assert path[0] == (-1.5, 1.0) and len(path) == 31
    x, y = np.array(points), np.array(targets)
    w = np.array(path[0])
    for seen in path[1:]:
        w = w - 0.29 * 2 * x.T @ (x @ w - y) / len(x)
        assert seen == pytest.approx(w, rel=1e-9)


def test_losses_of_a_race(nb):
    points, labels = nb.moons(1337)
    falls = nb._moons_losses(nb.SGD, 0.2, points, labels, steps=3)
    net = nb.MLP(2, [8, 8, 1], rng=random.Random(1))
    first = nb.hinge_loss([net(p) for p in points], labels) + nb.penalty(net.parameters())
    assert len(falls) == 3 and falls[0] == pytest.approx(first.value, rel=1e-12)
    again = nb.Training(net, points, labels, optimizer=nb.SGD(net.parameters(), 9), rate=0.2, steps=3)
    again.train(live=False)
    assert [loss for loss, _ in again.history] == pytest.approx(falls, rel=1e-12)
    assert nb._moons_losses(nb.SGD, 0.2, points, labels, seed=2, steps=1) != falls[:1]


def test_a_race_shows_each_at_its_best(nb, monkeypatch):
    monkeypatch.setattr(nb._Progress, "draw", lambda self, end=False: None)
    ways = {0.1: [(0, 0), (1, 0.5)], 0.2: [(0, 0), (1, 0.0)], 0.3: [(0, 0), (9, 9)]}
    falls = {0.1: [1.0, 0.5], 0.2: [0.1, 0.7], 0.3: [2.0, 0.25]}
    monkeypatch.setattr(nb, "_walk", lambda make, rate: ways[rate])
    monkeypatch.setattr(nb, "_moons_losses", lambda make, rate, points, labels, seed: falls[rate])
    words = nb.plot_race({"mine": nb.SGD}, list(ways), [], [], seed=4).alt
    assert "mine ends 0.50 away from the lowest point, and at loss 0.250" in words


def test_accuracy(nb):
    assert nb.accuracy([0.5, -0.1, 0, 2], [1, -1, 1, -1]) == 0.5 and nb.accuracy([0.5, -0.1, 0, 2], [1, -1, -1, 1]) == 1
    assert nb.accuracy([[1, 3, 2], [5, 1, 1]], [1, 2]) == 0.5
    with pytest.raises(ValueError):
        nb.accuracy([1], [1, 1])


def test_changed_trainings_differ_in_one_thing_each(nb):
    points, labels = nb.moons(1, n=10)
    runs = nb.changed_trainings(points, labels, steps=2)
    assert list(runs) == ["unchanged", "zero start", "no bend", "rate × 30", "never reset", "low start"]
    healthy = nb.MLP(2, [8, 8, 1], rng=random.Random(1337))
    start = nb._values_of(healthy.parameters())
    for name, run in runs.items():
        values = nb._values_of(run.parameters)
        assert (values == start) == (name not in ("zero start", "low start"))
        assert run.optimizer.rate == (3 if name == "rate × 30" else 0.1) and run.optimizer.momentum == 0.9 and run.steps == 2
        assert {n.activation for n in run.model.layers[0].neurons} == {"linear" if name == "no bend" else "relu"}
    assert not any(nb._values_of(runs["zero start"].parameters))
    biases = [[n.bias.value for n in layer.neurons] for layer in runs["low start"].model.layers]
    assert biases == [[-10] * 8, [0] * 8, [0]]
    for run in (runs["unchanged"], runs["never reset"]):
        run.train(live=False)
    assert runs["unchanged"].history[0] == runs["never reset"].history[0]
    loss = nb.hinge_loss([healthy(p) for p in points], labels) + nb.penalty(healthy.parameters())
    loss.backward()
    first = [p.grad for p in healthy.parameters()]
    nb.set_values(healthy, [v - 0.1 * g for v, g in zip(start, first)])
    again = nb.hinge_loss([healthy(p) for p in points], labels) + nb.penalty(healthy.parameters())
    again.backward()
    second = [p.grad for p in healthy.parameters()]
    assert [p.grad for p in runs["unchanged"].parameters] == pytest.approx(second, abs=1e-12)
    assert [p.grad for p in runs["never reset"].parameters] == pytest.approx([a + b for a, b in zip(first, second)], abs=1e-12)


def test_gradient_lengths_and_dead_neurons(nb):
    model = nb.MLP(1, [2, 1], rng=random.Random(0))
    nb.set_values(model, [1, 0, 1, -5, 2, 3, 0.5])
    for k, p in enumerate(model.parameters()):
        p.grad = k
    assert nb._layer_norms(model) == pytest.approx([math.sqrt(14), math.sqrt(77)])
    assert nb._dead_share(model, [(1.0,), (2.0,)]) == 0.5 and nb._dead_share(model, [(6.0,)]) == 0
    deep = nb.MLP(1, [1, 3, 1], rng=random.Random(0))
    nb.set_values(deep, [1, 0, 1, 0, -1, 0, -1, 0, 1, 1, 1, 0])
    assert nb._dead_share(deep, [(1.0,)]) == 0.5


# ---------------------------------------------------------------- chapter 5
def test_digit_images(nb):
    sets = nb.digit_images()
    data = load_digits()
    assert [(x.shape, y.shape) for x, y in sets] == [((1077, 64), (1077,)), ((270, 64), (270,)), ((450, 64), (450,))]
    seen = sorted((*row, label) for x, y in sets for row, label in zip((x * 16).tolist(), y.tolist()))
    assert seen == sorted((*row, label) for row, label in zip(data.data.tolist(), data.target.tolist()))  # each image once
    assert all((a == b).all() for one, two in zip(sets, nb.digit_images()) for a, b in zip(one, two))
    assert not (nb.digit_images(1)[0][0] == sets[0][0]).all()
    for _, labels in sets:  # a shuffle: every class has its share in every set
        assert (np.bincount(labels, minlength=10) > len(labels) / 16).all()


def test_training_in_batches_is_what_it_says(nb):
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(10, 3)), rng.integers(0, 2, 10)
    model = nb.dense([3, 2], np.random.default_rng(1))
    weight, bias = (p.value.copy() for p in model.parameters())
    run = nb.Training(model, x, y, nb.cross_entropy, nb.SGD(model.parameters(), 0.2, 0.9), steps=6, batch=4, seed=7,
                      validation=(x[:3], y[:3]))
    run.train(live=False)
    speed, history, validated = [0, 0], [], []
    for epoch in range(2):
        order = np.random.default_rng([7, epoch]).permutation(10)
        for at in (order[:4], order[4:8], order[8:]):
            z = x[at] @ weight + bias
            p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
            history.append((-np.log(p[range(len(at)), y[at]]).mean(), np.mean((z[:, 1] > z[:, 0]) == y[at])))
            g = (p - np.eye(2)[y[at]]) / len(at)
            speed = [0.9 * v + d for v, d in zip(speed, (x[at].T @ g, g.sum(0)))]
            weight, bias = weight - 0.2 * speed[0], bias - 0.2 * speed[1]
        z = x[:3] @ weight + bias
        p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        validated.append((3 * epoch + 3, -np.log(p[range(3), y[:3]]).mean(), np.mean((z[:, 1] > z[:, 0]) == y[:3])))
    np.testing.assert_allclose(run.history, history, rtol=1e-12)
    np.testing.assert_allclose(run.validated, validated, rtol=1e-12)
    assert {type(number) for row in run.history + run.validated for number in row} == {float, int}
    np.testing.assert_allclose(model.parameters()[0].value, weight, rtol=1e-12)
    np.testing.assert_allclose(model.parameters()[1].value, bias, rtol=1e-12)


def test_gradient_error_sees_a_wrong_gradient(nb):
    def wrong(factor):
        return nb.lift_arrays(lambda x: (x**2, [lambda g: g * 2 * x * factor]))
    x = np.array([[1.0, -2.0], [3.0, 0.5]])
    assert nb.gradient_error(wrong(1), x) < 1e-8
    for size, error in ((0.5, 0.05), (1.25, 0.1), (4, 0.1)):  # absolute below 1, relative above
        assert nb.gradient_error(wrong(1.1), np.array([size / 2])) == pytest.approx(error, rel=1e-6)
    assert nb.gradient_error(wrong(1.001), x) > 1e-4 and nb.gradient_error(wrong(-1), x) > 0.5
    assert nb.gradient_error(lambda t, u: (t * 2).sum() + (u * 0).sum(), x, x) < 1e-8
    assert nb.gradient_error(lambda t: nb.Tensor(t.value) * 1, x) > 0.1
    assert math.isnan(nb.gradient_error(lambda t: nb.lift_arrays(lambda x: (x**2, [lambda g: g * math.nan]))(t), x))


def test_gradient_error_leaves_its_leaves_as_they_were(nb):
    w = nb.Node(2.0)
    (w * 3).backward()
    assert nb.gradient_error(lambda w: nb.Node(1.0) * 2, w) == 0 and type(w.value) is float
    t = nb.Tensor([1.0, 1e-7])
    with pytest.raises(ValueError, match="log needs positive"):
        nb.gradient_error(lambda t: t.log(), t)
    assert t.value.tolist() == [1, 1e-7]


def test_gradient_error_nudges_so_many_and_starts_with_more_than_ones(nb):
    built = []

    def build(t):
        built.append(t.value.copy())
        return t * 2
    x = np.arange(12.0).reshape(3, 4)
    for most, count in ((3, 3), (None, 12), (20, 12)):
        built.clear()
        assert nb.gradient_error(build, x, most=most) < 1e-8 and len(built) == 1 + 2 * count
        places = {tuple(np.argwhere(value != x)[0]) for value in built[1:]}
        assert len(places) == count
    blind = nb.lift_arrays(lambda x: (x * 3, [lambda g: np.full_like(x, 3.0)]))  # right where it starts with 1
    assert nb.gradient_error(blind, x) > 0.1


def saved_text(cell_id):
    """Return the text that a cell of the notebook shows, as saved."""
    cell = next(cell for cell in read()["cells"] if cell["id"] == cell_id)
    return "".join("".join(out.get("text", out.get("data", {}).get("text/plain", ""))) for out in cell["outputs"])


def test_the_saved_table_of_rules_is_that_of_the_rules(nb):
    table = nb.rule_table(*[getattr(nb, name) for name in RULES])
    assert table._repr_mimebundle_()["text/plain"] == saved_text("node-table-show")


def test_linear_is_a_rule_like_the_others(nb):
    assert nb.linear(-2.5) == (-2.5, (1,)) and set(nb.ACTIVATIONS) == {"relu", "tanh", "sigmoid", "linear"}
    assert nb._worst_error(nb.linear, (0.3,), (-2.0,)) < 1e-8


def test_small_slopes_are_judged_absolutely_and_large_ones_relatively(nb, capsys):
    for slope, factor, right in ((0.0, 9e-7, True), (0.0, 1.1e-6, False), (1000.0, 9e-4, True), (1000.0, 1.1e-3, False)):
        nb.report_rule(lambda x, s=slope, f=factor: (s * x, (s + f,)), (0.5,))
        assert ("right" in capsys.readouterr().out) == right


def test_what_is_left_out_is_as_the_text_says(nb, monkeypatch):
    monkeypatch.setattr(nb._Progress, "draw", lambda self, end=False: None)
    points, labels = nb.moons(1, n=10)
    assert {run.steps for run in nb.changed_trainings(points, labels).values()} == {60}
    w = [nb.Node(1.0), nb.Node(-2.0)]
    assert nb.penalty(w).value == pytest.approx(5e-4) and nb.SGD(w).rate == 0.1 and nb.Adam(w).rate == 0.02
    assert nb.Adam(w).betas == (0.9, 0.999) and nb.Adam(w).epsilon == 1e-8 and nb.SGD(w).momentum == 0
    assert len(nb.moons(3)[0]) == 100 and np.std(nb.moons(3)[0]) != np.std(nb.moons(3, noise=0.2)[0])
    assert nb.moons(3) == nb.moons(3, n=100, noise=0.1)
    run = nb.Training(nb.MLP(2, [2, 1]), points, labels)
    assert (run.steps, run.strength, run.rate, run.loss) == (100, 1e-4, None, nb.hinge_loss)
    assert nb.MLP(2, [3, 1]).layers[0].neurons[0].activation == "relu" and nb.Neuron(2).activation == "relu"


def test_short_representations(nb):
    assert repr(nb.Layer(2, 1)) == "Layer(2 → 1, relu)" and repr(nb.Neuron(3, "tanh")) == "Neuron(3 → 1, tanh)"
    assert repr(nb.MLP(1, [1])) == "MLP(1 → 1, linear, 2 parameters)"
    assert repr(nb.Node(2)) == "Node(value=2, grad=None, role='input')"
    assert repr(nb.Node(2, "weight", "w")) == "Node(value=2, grad=None, name='w', role='weight')"
    assert repr(nb.Tensor([1, 2.5])) == "Tensor([1.  2.5], role='input')"
    assert repr(nb.Tensor([1.0]) + nb.Tensor([2.0])) == "Tensor([3.], rule='+')"
    assert "..." in repr(nb.Tensor(np.zeros(100))) and "..." not in repr(nb.Tensor(np.zeros(20)))


def test_without_pytorch_there_is_no_difference_to_tell(nb, monkeypatch):
    import sys
    monkeypatch.setitem(sys.modules, "torch", None)
    assert nb.torch_difference(nb.dense([4, 2], np.random.default_rng(0)), np.ones((3, 4)), [0, 1, 1]) is None


def test_a_still_picture_is_plain_unless_asked(nb):
    for thing in (nb.Node(2) * nb.Node(3), nb.Tensor([2.0]) * nb.Tensor([3.0])):
        plain, sharp, low = thing.draw_graph(), thing.draw_graph(high_dp=True), thing.draw_graph(high_dp=False)
        assert plain.scale == low.scale < sharp.scale and plain.scene.rankdir == "LR"


def test_exercises_say_no_to_the_stub_and_yes_to_the_solution(capsys):
    lesson, cells = load("lesson"), read()["cells"]
    stubs = [n for n, cell in enumerate(cells) if "exercise" in cell["metadata"].get("tags", [])]
    chapters = [re.match(r"## (\d)", source(cell)) for cell in cells]
    within = {max(int(c[1]) for c in chapters[:n] if c) for n in stubs}
    assert {1, 2, 3, 4, 5} <= within and len(stubs) >= 7
    for n in stubs:
        stub, solution = source(cells[n]), re.search(r"<code[^>]*>(.*?)</code>", source(cells[n + 1]), re.S)[1]
        assert "solution" in cells[n + 1]["metadata"]["tags"]
        check = stub.rstrip().splitlines()[-1]
        solved = html.unescape(solution)
        for code, passes in ((stub, False), (solved if "check(" in solved else f"{solved}\n{check}", True)):
            exec(code, vars(lesson))
            said = capsys.readouterr().out
            good = ("passed" in said or "right" in said) and not re.search("not yet|not right|no answer|is None", said)
            assert good == passes, (cells[n]["id"], said)


def test_the_secant_slider_and_its_field_agree_in_three_digits(nb):
    (slider, field), words = (lambda box: (box.children[0].children, box.children[1]))(nb.secant_slider(nb.f, 3, 14).widget)
    for to, shown in ((10**-1.9, 0.0126), (2.0, 2), (0.001, 0.001)):
        slider.value = to
        assert field.value == slider.value == shown
    field.value = 0.5
    assert slider.value == 0.5 and "= <b>15.5</b>" in words.value and 10**slider.max == pytest.approx(2)
