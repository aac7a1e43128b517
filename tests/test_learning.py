"""Chapter 4: networks, losses, optimizers, training, its pictures, and how it can fail."""

import contextlib
import math
import random
import signal
import sys
import threading

import numpy as np
import pytest


# ---------------------------------------------------------------- networks
@pytest.mark.parametrize("sizes", [[1], [4, 1], [3, 5, 2], [2, 2, 2, 1]])
def test_all_layers_bend_but_the_last(nb, sizes):
    net = nb.MLP(2, sizes, "tanh", rng=random.Random(1))
    assert [n.activation for layer in net.layers for n in layer.neurons] == (
        ["tanh"] * sum(sizes[:-1]) + ["linear"] * sizes[-1])
    assert {n.activation for n in nb.MLP(2, sizes, "tanh", "sigmoid").layers[-1].neurons} == {"sigmoid"}


def test_the_network_of_the_design(nb):
    model = nb.MLP(2, [16, 16, 1], rng=random.Random(1))
    assert len(model.parameters()) == 337
    assert repr(model) == "MLP(2 → 16 → 16 → 1, relu, 337 parameters)"
    assert repr(model.layers[0]) == "Layer(2 → 16, relu)"
    assert repr(model.layers[2].neurons[0]) == "Neuron(16 → 1, linear)"
    given = [node for node in nb.graph_of(model((0.5, -2))) if node.role == "input"]
    assert [node.value for node in given] == [0.5, -2], "one Node for each input, shared by all neurons"
    assert model((1, 2)).rule is nb.sum_of_products and model.layers[0]((1, 2))[0].rule is nb.relu
    assert isinstance(model((0.5, -0.5)), nb.Node)
    assert isinstance(model([nb.Node(0.5), nb.Node(-0.5)]), nb.Node)
    assert len(nb.MLP(2, [4, 3])((0, 1))) == 3


def test_weights_come_neuron_by_neuron_from_the_generator_passed_in(nb):
    model, rng = nb.MLP(2, [3, 1], rng=random.Random(7)), random.Random(7)
    for layer in model.layers:
        for neuron in layer.neurons:
            assert neuron.bias.value == 0
            for weight in neuron.weights:
                assert weight.value == rng.uniform(-1, 1)
    state = random.getstate()
    nb.MLP(2, [3, 1], rng=random.Random(7))
    assert random.getstate() == state, "a generator passed in leaves the global one alone"
    rng = random.Random(7)
    one, two = nb.Layer(2, 2, rng=rng), nb.Layer(2, 2, rng=rng)
    assert nb._values_of(one.parameters()) != nb._values_of(two.parameters())


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "linear"])
@pytest.mark.parametrize("sizes", [[1], [1, 1], [4, 1, 2], [5, 3]])
def test_scores_are_the_values_of_the_nodes(nb, activation, sizes):
    model = nb.MLP(3, sizes, activation, rng=random.Random(5))
    points = [[0.5, -1.0, 2.0], [0, 0, 0], [1e3, -1e3, 1e3]]
    wanted = [model(point) for point in points]
    wanted = [[n.value for n in w] if isinstance(w, list) else w.value for w in wanted]
    assert model.scores(points) == wanted


def test_scores_build_no_node(nb, monkeypatch):
    model = nb.MLP(2, [4, 4, 1])
    monkeypatch.setattr(nb.Node, "__init__", None)
    monkeypatch.setattr(nb, "lifted", None)
    model.scores([(0.0, 1.0)] * 3)


def test_bad_networks_are_refused(nb):
    with pytest.raises(ValueError, match="activation is one of relu, tanh.*'swish'"):
        nb.Neuron(2, "swish")
    with pytest.raises(ValueError, match="1 neuron or more"):
        nb.MLP(2, [3, 0, 1])
    with pytest.raises(ValueError, match="1 neuron or more"):
        nb.MLP(2, [])
    with pytest.raises(ValueError, match="as many weights as inputs"):
        nb.MLP(2, [1])((1, 2, 3))


# ---------------------------------------------------------------- losses
LABELS = [1, -1, 1, -1, 1]
SCORES = [0.3, 0.4, 2.5, -3.0, -1.2]
REFERENCE = {
    "squared_loss": lambda s, y: np.mean((s - y) ** 2),
    "hinge_loss": lambda s, y: np.mean(np.maximum(0, 1 - s * y)),
    "cross_entropy": lambda s, y: np.mean(np.logaddexp(0, -s * y)),
}


@pytest.mark.parametrize("name", REFERENCE)
def test_losses_and_their_gradients(nb, name):
    s, y, reference, h = np.array(SCORES), np.array(LABELS), REFERENCE[name], 1e-6
    nodes = [nb.Node(v) for v in SCORES]
    loss = getattr(nb, name)(nodes, LABELS)
    loss.backward()
    assert loss.value == pytest.approx(reference(s, y), rel=1e-14)
    for k, node in enumerate(nodes):
        nudge = h * (np.arange(len(s)) == k)
        slope = (reference(s + nudge, y) - reference(s - nudge, y)) / (2 * h)
        assert node.grad == pytest.approx(slope, abs=1e-8)


@pytest.mark.parametrize("score", [-1000, -800, 0, 800, 1000])
def test_the_cross_entropy_of_one_score_is_stable(nb, score):
    node = nb.Node(score)
    loss = nb.cross_entropy([node], [1])
    loss.backward()
    assert loss.value == pytest.approx(np.logaddexp(0.0, -score))
    assert node.grad == pytest.approx({0: -0.5}.get(score, -1 if score < 0 else 0))


def test_cross_entropy(nb):
    rng = np.random.default_rng(1)
    rows, labels = rng.normal(size=(6, 4)) * 3, [0, 3, 1, 1, 2, 0]
    nodes = [[nb.Node(v) for v in row] for row in rows]
    loss = nb.cross_entropy(nodes, labels)
    loss.backward()
    p = np.exp(rows) / np.exp(rows).sum(1, keepdims=True)
    assert loss.value == pytest.approx(-np.log(p[range(6), labels]).mean(), rel=1e-13)
    grads = np.array([[node.grad for node in row] for row in nodes])
    assert grads == pytest.approx((p - np.eye(4)[labels]) / 6, abs=1e-14)


@pytest.mark.parametrize("first, wanted", [(800, 0), (-800, 800.6931471805599)])
def test_cross_entropy_is_stable(nb, first, wanted):
    row = [nb.Node(first), nb.Node(0), nb.Node(0)]
    loss = nb.cross_entropy([row], [0])
    loss.backward()
    assert loss.value == wanted
    assert all(math.isfinite(node.grad) for node in row)


def test_losses_want_as_many_scores_as_labels(nb):
    for loss in (nb.squared_loss, nb.hinge_loss, nb.cross_entropy):
        with pytest.raises(ValueError):
            loss([nb.Node(1)], [1, 1])


def test_the_penalty_and_its_gradient(nb):
    ps = [nb.Node(v, "weight") for v in (0.5, -2.0, 3.0)]
    price = nb.penalty(ps, 0.1)
    price.backward()
    assert price.value == pytest.approx(0.1 * (0.25 + 4 + 9))
    assert [p.grad for p in ps] == pytest.approx([0.1, -0.4, 0.6])


# ---------------------------------------------------------------- optimizers
def descend(nb, optimizer, ps, steps=12):
    """Return the parameters through `steps` steps on x² + 10·y² + x·y."""
    x, y = ps
    path = []
    for _ in range(steps):
        (x * x + 10 * y * y + x * y).backward()
        optimizer.step()
        path.append([x.value, y.value])
    return np.array(path)


def slope_of_bowl(p):
    return np.array([2 * p[0] + p[1], 20 * p[1] + p[0]])


@pytest.mark.parametrize("momentum", [0, 0.9])
def test_sgd_against_numpy(nb, momentum):
    ps = [nb.Node(1.5), nb.Node(-0.5)]
    path = descend(nb, nb.SGD(ps, 0.03, momentum=momentum), ps)
    p, v = np.array([1.5, -0.5]), np.zeros(2)
    for seen in path:
        v = momentum * v + slope_of_bowl(p)
        p = p - 0.03 * v
        assert seen == pytest.approx(p, rel=1e-12)


def test_adam_against_numpy(nb):
    ps = [nb.Node(1.5), nb.Node(-0.5)]
    path = descend(nb, nb.Adam(ps, 0.05), ps)
    p, m, v = np.array([1.5, -0.5]), np.zeros(2), np.zeros(2)
    for k, seen in enumerate(path, 1):
        g = slope_of_bowl(p)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        p = p - 0.05 * (m / (1 - 0.9 ** k)) / (np.sqrt(v / (1 - 0.999 ** k)) + 1e-8)
        assert seen == pytest.approx(p, rel=1e-10)


# ---------------------------------------------------------------- training
@pytest.fixture
def moons(nb):
    return nb.moons(1337)


def falling(k, steps=100):
    """Return the learning rate of step k of the recipe."""
    return 1 - 0.9 * k / steps


def recipe(nb, moons, steps=100, **extra):
    """Return the Training of the known answers."""
    model = nb.MLP(2, [16, 16, 1], rng=random.Random(1337))
    return nb.Training(model, *moons, rate=falling, steps=steps, **extra)


def test_the_known_losses(nb, moons):
    run = recipe(nb, moons, steps=3)
    run.train(live=False)
    (first, right), (second, _), (third, _) = run.history
    assert first == pytest.approx(0.8958441028683222, rel=1e-12)
    assert right == 0.5
    assert second == pytest.approx(1.72359, rel=1e-5)
    assert third == pytest.approx(0.742900, rel=1e-5)


def test_the_data_are_those_of_the_recipe(nb, moons):
    from sklearn.datasets import make_moons
    state = np.random.get_state()
    np.random.seed(1337)
    points, labels = make_moons(n_samples=100, noise=0.1)
    np.random.set_state(state)
    assert moons[0] == points.tolist()
    assert moons[1] == (2 * labels - 1).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1337, 1, 2])
def test_it_learns_the_moons_it_has_not_seen(nb, seed):
    model = nb.MLP(2, [16, 16, 1], rng=random.Random(seed))
    run = nb.Training(model, *nb.moons(seed), rate=falling, compiled=seed != 1337)
    run.train(live=False)
    points, labels = nb.moons(seed + 50, n=300)
    assert nb.accuracy(model.scores(points), labels) > 0.95


def short(nb, **extra):
    """Return a small, quick Training."""
    net = nb.MLP(2, [4, 1], rng=random.Random(3))
    extra = {"optimizer": nb.Adam(net.parameters(), 0.05), "steps": 12} | extra
    return nb.Training(net, *nb.moons(1, n=20), **extra)


def interrupted_loss(nb, at):
    """Return a loss that is interrupted in the middle of its `at`-th call, once."""
    calls = []

    def loss(outputs, labels):
        calls.append(1)
        if len(calls) == at:
            raise KeyboardInterrupt
        return nb.hinge_loss(outputs, labels)
    return loss


def test_an_interrupt_keeps_the_last_finished_step_and_training_goes_on(nb, capsys):
    whole, run = short(nb), short(nb, loss=interrupted_loss(nb, 6))
    whole.train(live=False)
    run.train(live=False)
    assert "Stopped by you. 5 of 12 steps are done" in capsys.readouterr().out
    assert run.history == whole.history[:5]
    five = short(nb, steps=5)
    five.train(live=False)
    assert nb._values_of(run.parameters) == nb._values_of(five.parameters)
    run.train(live=False)
    assert run.history == whole.history
    assert nb._values_of(run.parameters) == nb._values_of(whole.parameters)


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("time", [1, 2, 3])  # the optimizer goes through its parameters three times; the last moves them
def test_an_interrupt_in_the_middle_of_a_move_undoes_the_move(nb, kind, time, monkeypatch):
    def make():
        run = short(nb)
        extra = {"momentum": 0.9} if kind == "SGD" else {}
        run.optimizer = getattr(nb, kind)(run.parameters, 0.05, **extra)
        run.finished = nb._values_of(run.parameters), run.optimizer.state, 0
        return run

    whole, run = make(), make()
    whole.train(live=False)

    class Bomb(list):
        """A list of parameters whose iteration is interrupted half-way, in its `left`-th time from now."""
        left = 0

        def __iter__(self):
            self.left -= 1
            for k, p in enumerate(list.__iter__(self)):
                if self.left == 0 and k == 7:
                    raise KeyboardInterrupt
                yield p

    parameters = run.optimizer.parameters = Bomb(run.parameters)

    def watch(training):
        if len(training.history) == 4:
            parameters.left = time

    run.train(live=False, watch=watch)
    assert len(run.history) == 4
    run.train(live=False)
    assert run.history == whole.history
    assert nb._values_of(run.parameters) == nb._values_of(whole.parameters)


@pytest.mark.parametrize("where", range(1, 7))
def test_an_interrupt_while_a_step_is_noted_leaves_whole_steps(nb, where, monkeypatch):
    whole, run, calls = short(nb, steps=6), short(nb, steps=6), []
    whole.train(live=False)
    plain = nb._values_of

    def values_of(items):
        calls.append(sys._getframe(1).f_code.co_name)
        if calls.count("step") == where and calls[-1] == "step":
            raise KeyboardInterrupt
        return plain(items)
    monkeypatch.setattr(nb, "_values_of", values_of)
    run.train(live=False)
    monkeypatch.setattr(nb, "_values_of", plain)
    done = len(run.history)
    assert run.history == whole.history[:done] and run.finished[2] == done == where - 1
    run.train(live=False)
    assert run.history == whole.history and plain(run.parameters) == plain(whole.parameters)


def test_a_rate_too_high_stops_with_words_and_a_usable_model(nb, moons, capsys):
    model = nb.MLP(2, [4, 4, 1], "linear", rng=random.Random(1337))
    run = nb.Training(model, *moons, rate=lambda k: 100, steps=60)
    run.train(live=False)
    assert "the rate is too high" in capsys.readouterr().out
    assert 0 < len(run.history) < 60
    assert all(math.isfinite(v) for v in nb._values_of(run.parameters))


@pytest.mark.parametrize("activation, loss, optimizer", [
    ("relu", "hinge_loss", "SGD"), ("tanh", "cross_entropy", "Adam"), ("sigmoid", "squared_loss", "SGD"),
    ("linear", "hinge_loss", "SGD")])
def test_compiled_steps_are_the_engines_steps(nb, activation, loss, optimizer):
    points, labels = (part[:29] for part in nb.moons(4, n=30))  # as many of each class: a score may be 0 ± rounding
    runs = []
    for compiled in (False, True):
        net = nb.MLP(2, [5, 3, 1], activation, rng=random.Random(8))
        runs.append(nb.Training(net, points, labels, getattr(nb, loss), getattr(nb, optimizer)(net.parameters(), 0.1),
                                steps=15, strength=0.01, compiled=compiled))
        runs[-1].train(live=False)
    slow, quick = runs
    assert [a for _, a in quick.history] == [a for _, a in slow.history] and len(quick.history) == 15
    assert [x for x, _ in quick.history] == pytest.approx([x for x, _ in slow.history], rel=1e-12, abs=0)
    assert nb._values_of(quick.parameters) == pytest.approx(nb._values_of(slow.parameters), rel=1e-9)
    assert [p.grad for p in quick.parameters] == pytest.approx([p.grad for p in slow.parameters], rel=1e-9, abs=1e-12)


def test_compiled_steps_of_three_classes(nb):
    points, labels = nb.make_blobs(n_samples=30, centers=3, random_state=4)
    runs = []
    for compiled in (False, True):
        net = nb.MLP(2, [4, 3], "tanh", rng=random.Random(4))
        runs.append(nb.Training(net, points.tolist(), labels.tolist(), nb.cross_entropy, steps=10, compiled=compiled))
        runs[-1].train(live=False)
    assert [a for _, a in runs[1].history] == [a for _, a in runs[0].history]
    assert [x for x, _ in runs[1].history] == pytest.approx([x for x, _ in runs[0].history], rel=1e-12, abs=0)


def test_a_compiled_training_builds_no_node_at_a_step(nb, monkeypatch):
    run = short(nb, compiled=True)
    monkeypatch.setattr(nb, "compute", None)
    monkeypatch.setattr(nb.Node, "__init__", None)
    monkeypatch.setattr(nb.MLP, "__call__", None)
    run.step()
    assert len(run.history) == 1


def test_what_cannot_be_compiled_is_refused(nb):
    def worst(outputs, labels):
        return sum(outputs) ** 2
    with pytest.raises(ValueError, match="takes the mean of the losses of single points"):
        short(nb, loss=worst, compiled=True)
    with pytest.raises(ValueError, match="a backward pass of its own: leave out backward"):
        short(nb, backward=nb.sweep_backward, compiled=True)


def test_a_compiled_training_stops_at_a_rate_too_high_and_goes_on_from_the_last_step(nb, moons, capsys):
    model = nb.MLP(2, [4, 4, 1], "linear", rng=random.Random(1337))
    run = nb.Training(model, *moons, rate=lambda k: 100, steps=60, compiled=True)
    run.train(live=False)
    assert "the rate is too high" in capsys.readouterr().out and 0 < len(run.history) < 60
    assert all(math.isfinite(v) for v in nb._values_of(run.parameters))


@pytest.mark.parametrize("points, labels, message", [
    ([[0.0, 1.0]], [1], "two points or more; got 1"),
    ([], [], "two points or more; got 0"),
    ([[0.0, 1.0], [1.0, 0.0]], [1, 1], "all labels are 1"),
    ([[0.0, 1.0], [1.0, math.nan]], [1, -1], r"point 1 is \(1.0, nan\)"),
    ([[0.0, math.inf], [1.0, 0.0]], [1, -1], "point 0 is"),
    ([[0.0, 1.0], [1.0, 0.0]], [1], "2 points but 1 labels"),
])
def test_odd_data_are_refused_in_words(nb, points, labels, message):
    with pytest.raises(ValueError, match=message):
        nb.Training(nb.MLP(2, [2, 1]), points, labels)


def test_live_training_ends_where_quiet_training_ends(nb, monkeypatch):
    shown = []

    class Handle:
        def update(self, what, raw=False):
            shown.append(what)

    def display(what=None, display_id=None, raw=False):
        shown.append(what)
        return Handle()

    monkeypatch.setattr(nb, "display", display)
    quiet, live = short(nb), short(nb)
    quiet.train(live=False)
    live.train()
    assert live.history == quiet.history
    bars = [what["text/plain"] for what in shown if isinstance(what, dict)]
    pictures = [what for what in shown if isinstance(what, nb._Picture)]
    assert bars[-1].startswith("training 12/12, loss ")
    assert " left" not in bars[-1]
    assert "step 12: loss" in pictures[-1].alt
    assert len(pictures) < 8, "at most ten pictures a second"


def test_an_interrupted_live_training_shows_its_last_state(nb, monkeypatch, capsys):
    shown = []

    class Handle:
        def update(self, what, raw=False):
            shown.append(what)

    monkeypatch.setattr(nb, "display", lambda *args, **kw: Handle())
    run = short(nb, loss=interrupted_loss(nb, 4))
    run.train()
    pictures = [what for what in shown if isinstance(what, nb._Picture)]
    assert "step 3: loss" in pictures[-1].alt
    assert "3 of 12 steps" in capsys.readouterr().out


def test_an_interrupt_while_a_picture_is_painted_waits_and_is_not_lost(nb, monkeypatch, capsys):
    monkeypatch.setattr(nb, "display", lambda *args, **kw: type("Handle", (), {"update": lambda *a, **k: None})())
    paint, drawn = nb._LiveView.draw, []

    def interrupted(self):
        with contextlib.suppress(KeyboardInterrupt):  # as a callback of matplotlib would drop it
            signal.raise_signal(signal.SIGINT)
        paint(self)
        drawn.append(len(self.training.history))
    monkeypatch.setattr(nb._LiveView, "draw", interrupted)
    run, handler = short(nb), signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):  # the second one, from the last picture
        run.train()
    assert "Stopped by you. 1 of 12 steps" in capsys.readouterr().out
    assert drawn == [1, 1] and len(run.history) == 1 and signal.getsignal(signal.SIGINT) is handler


def test_patience_ends_and_is_the_main_threads(nb):
    handler, seen = signal.getsignal(signal.SIGINT), []
    with pytest.raises(ValueError, match="mine"), nb._patient():
        raise ValueError("mine")
    with pytest.raises(KeyboardInterrupt), nb._patient():
        signal.raise_signal(signal.SIGINT)
        seen.append("whole")
    with pytest.raises(KeyboardInterrupt), nb._patient():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        seen.append("a second interrupt does not wait")

    def elsewhere():
        with nb._patient():
            seen.append(signal.getsignal(signal.SIGINT))
    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == ["whole", handler] and signal.getsignal(signal.SIGINT) is handler


# ---------------------------------------------------------------- pictures
def test_regions_of_a_model_that_says_nothing_draw_without_a_warning(nb, recwarn):
    model = nb.MLP(2, [2, 1])
    nb.set_values(model, [0] * len(model.parameters()))
    fig, ax = nb.plt.subplots()
    nb._draw_regions(ax, model, nb.moons(1)[0], n=10)
    nb.set_values(model, [math.nan] * len(model.parameters()))
    nb._draw_regions(ax, model, nb.moons(1)[0], n=10)
    nb._figure("nothing", fig)
    assert not recwarn.list


def test_each_class_has_one_color_and_one_marker(nb):
    fig, ax = nb.plt.subplots()
    artists = nb._draw_points(ax, [[0, 0], [1, 1], [2, 2]], [0, 1, 2])
    colors = [nb.matplotlib.colors.to_hex(a.get_facecolor()[0]).upper() for a in artists]
    assert tuple(colors) == nb._CLASS_COLORS
    assert [a.get_label() for a in artists] == ["class 0", "class 1", "class 2"]
    nb.plt.close(fig)


def test_a_readers_own_names_break_neither_training_nor_pictures(nb, moons, monkeypatch):
    monkeypatch.setattr(nb._Progress, "draw", lambda self, end=False: None)
    run = short(nb)
    for name in ("num", "total", "mean", "dot", "kind", "save", "report", "gradient", "scores", "points", "labels", "losses",
                 "model", "accuracy", "penalty", "moons", "max", "min", "step", "path", "training"):
        monkeypatch.setattr(nb, name, 3, raising=False)
    run.train(live=False)
    assert len(run.history) == 12
    for picture in (nb.plot_data({"all": moons}), nb.plot_regions(run.model, *moons), nb.plot_trainings({"mine": run}),
                    nb.plot_losses({"hinge": nb.hinge_loss})):
        assert type(picture) is nb._Picture and len(picture.alt) > 50


# ---------------------------------------------------------------- lessons
def test_pulls_of_points_add_up_to_the_step(nb, moons):
    model = nb.MLP(2, [4, 1], rng=random.Random(2))
    whole = nb.gradient(model, *moons)
    pulls = [nb.gradient(model, [x], [y]) for x, y in zip(*moons)]
    assert np.mean(pulls, axis=0) == pytest.approx(whole, abs=1e-12)


def test_the_ancestors_sweep_is_wrong_where_a_hidden_value_is_shared(nb, moons):
    model = nb.MLP(2, [16, 16, 1], rng=random.Random(1337))
    true = nb.gradient(model, *moons)
    wrong = nb.gradient(model, *moons, backward=nb.preorder_backward)
    assert wrong[48:] == pytest.approx(true[48:], abs=1e-12), "layers 2 and 3 are right"
    assert true[:48] @ wrong[:48] < 0.2 * np.linalg.norm(true[:48]) * np.linalg.norm(wrong[:48]), "layer 1 is not"
    a = nb.Node(3)
    b = 2 * a
    c = b + 1
    nb.preorder_backward(c * b)
    assert a.grad == 14
    (c * b).backward()
    assert a.grad == 26


@pytest.mark.slow
def test_the_five_ways_to_spoil_a_training(nb, moons):
    runs = nb.changed_trainings(*moons)
    for run in runs.values():
        run.train(live=False)
    right = {name: nb.accuracy(run.model.scores(moons[0]), moons[1])
             for name, run in runs.items()}
    dead = {name: nb._dead_share(run.model, moons[0]) for name, run in runs.items()}
    assert right["unchanged"] > 0.95
    assert all(right[name] < 0.92 for name in runs if name != "unchanged")
    assert dead["unchanged"] < 0.3
    assert dead["zero start"] == dead["low start"] == 1
    assert max(nb._layer_norms(runs["zero start"].model)) < 1e-15
