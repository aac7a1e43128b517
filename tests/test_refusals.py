"""Nothing silent: what cannot be right is refused in words, and what is refused or interrupted leaves everything as it was."""
import copy
import math
import pickle
import random
import signal
import sys
import threading
from fractions import Fraction

import numpy as np
import pytest


class Pretender:
    """A thing with a `value` that is no Node: a slider, say."""
    value = 2.0


# ---------------------------------------------------------------- what is no number and no Node
@pytest.mark.parametrize("make, words", [
    (lambda nb: nb.Node(5) + nb.Tensor([1, 2]), "Tensor"), (lambda nb: nb.Tensor([1, 2]) + nb.Node(5), "Node"),
    (lambda nb: nb.Node(5) * Pretender(), "Pretender"), (lambda nb: Pretender() - nb.Node(5), "Pretender"),
    (lambda nb: nb.Node(5) ** Pretender(), "Pretender"), (lambda nb: nb.lift(nb.tanh)(Pretender()), "Pretender"),
    (lambda nb: nb.weighted_sum([nb.Node(1)], [Pretender()]), "Pretender"),
    (lambda nb: nb.weighted_sum([Pretender()], [nb.Node(1)]), "Pretender"),
    (lambda nb: nb.weighted_sum([nb.Node(1)], [nb.Node(1)], Pretender()), "Pretender"),
    (lambda nb: nb.weighted_sum([nb.Node(1)], [nb.Tensor([1])], nb.Node(1)), "Tensor"),
    (lambda nb: nb.total([nb.Node(1), Pretender()]), "Pretender"), (lambda nb: nb.Node(nb.Node(1)), "Node"),
    (lambda nb: nb.Tensor(nb.Tensor([1])), "value"), (lambda nb: nb.Tensor(["a"]), "list"),
    (lambda nb: nb.Tensor([None]), "list"), (lambda nb: nb.Tensor(np.ma.array([1.0, 2], mask=[0, 1])), "MaskedArray"),
    (lambda nb: np.sum(nb.Tensor([1.0])), r"np\.sum keeps no slopes.*tensor\.name\(\)"),
    (lambda nb: np.concatenate([nb.Tensor([1.0])]), "np.concatenate"), (lambda nb: np.array(nb.Tensor([1.0])), r"\.value"),
    (lambda nb: np.exp(nb.Tensor([1.0])), "Tensor"),
])
def test_what_is_no_number_is_named(nb, make, words):
    with pytest.raises(TypeError, match=words):
        make(nb)


def test_a_fraction_and_a_subclass_are_welcome(nb):
    class Weight(nb.Node):
        """A kind of Node."""
    w = Weight(3, "weight")
    root = nb.weighted_sum([w], [w], w) * w + Fraction(1, 2)
    root.backward()
    assert root.value == 36.5 and w.grad == 3 * 9 + 2 * 3


# ---------------------------------------------------------------- rules
@pytest.mark.parametrize("rule, operands", [
    (lambda a, b: (a * b, (b,)), 2), (lambda a, b: (a * b, (b, a, 1)), 2), (lambda a: (a * a, 2 * a), 1),
    (lambda a: (a * a, ()), 1)])
def test_a_rule_with_too_few_or_too_many_slopes_is_refused(nb, rule, operands):
    rule.__name__ = "my rule"
    operation = nb.lift(rule)
    for given in ([nb.Node(2)] * operands, [nb.Node(2), 3][:operands], [4] * operands):
        with pytest.raises(TypeError, match=f"my rule.*returns its value and a tuple of slopes, one for each of {operands}"):
            operation(*given)
    with pytest.raises(TypeError, match="slopes"):
        nb.lift_arrays(rule)(*[nb.Tensor([2.0])] * operands)


def test_a_pull_of_the_wrong_shape_is_refused(nb):
    x = nb.Tensor([1.0, 2.0])

    def half(pulls):
        def half(x):
            return x[0] / 2, pulls
        return nb.lift_arrays(half)(x)
    for pulls in ([], [lambda g: g] * 3):
        with pytest.raises(TypeError, match=r"'half' returns its value and a tuple of slopes, one for each of 1 operands; got \["):
            half(pulls)
    with pytest.raises(ValueError, match=r"the pull of 'half' returned \(\) for an operand of \(2,\)"):
        half([lambda g: 0.5]).backward()


@pytest.mark.parametrize("make, error, words", [
    (lambda N: N(1e-310) ** 0.005, OverflowError, r"1e-310 \^ 0.005: the value or a slope is larger than any float"),
    (lambda N: N(2.0) ** 5000, OverflowError, r"2 \^ 5000: the value or a slope is larger"),
    (lambda N: N(1000).exp(), OverflowError, "exp of 1000: the value or a slope is larger"),
    (lambda N: N(-1e-300) ** -2.67, ValueError, "a negative base needs a whole-number exponent"),
    (lambda N: N(-2) ** 0.5, ValueError, "a negative base needs a whole-number exponent"),
    (lambda N: N(-8) ** (1 / 3), ValueError, r"\(-8\) \^ 0.333333: a negative base"),
    (lambda N: 0 ** N(-2), ZeroDivisionError, r"0 \^ \(-2\): 0.* cannot be raised"),
    (lambda N: N(-4).sqrt(), ValueError, "sqrt of -4: a square root needs a number that is not negative"),
    (lambda N: N(-1).log(), ValueError, "log of -1: a logarithm needs a number above 0"),
    (lambda N: 3 // N(0), ZeroDivisionError, "3 // 0: the divisor must not be 0"),
    (lambda N: N(-3) / 0, ZeroDivisionError, r"\(-3\) ÷ 0: the divisor must not be 0"),
])
def test_errors_of_rules_name_the_operation_and_its_numbers(nb, make, error, words):
    with pytest.raises(error, match=words):
        make(nb.Node)


def test_whole_numbers_larger_than_any_float_have_names(nb):
    x = nb.Node(1) + 10**400
    assert x.value == 10**400 + 1 and nb._Words().title(x) == "□ + 1e400" and nb._num(-10**400) == "-1e400"
    assert nb.Node(-3) ** -3 and nb.Node(-3).value ** 2 == (nb.Node(-3) ** 2).value


@pytest.mark.parametrize("make, error, words", [
    (lambda T: T([1.0, -1]).log(), ValueError, "the smallest is -1"), (lambda T: T([0.0]).log(), ValueError, "smallest is 0"),
    (lambda T: T([4.0, -9]).sqrt(), ValueError, "got -9"), (lambda T: T([1.0]) / 0, ZeroDivisionError, "divisor is 0"),
    (lambda T: 1 / T([1.0, 0]), ZeroDivisionError, "divisor is 0"), (lambda T: T([0.0]) ** -1, ZeroDivisionError, "negative"),
    (lambda T: 0 ** T([-1.0]), ZeroDivisionError, "negative"), (lambda T: T([-8.0]) ** 0.5, ValueError, "whole-number"),
])
def test_arrays_refuse_what_numbers_refuse(nb, make, error, words):
    with pytest.raises(error, match=words):
        make(nb.Tensor)


def test_edges_that_have_an_answer(nb):
    T = nb.Tensor
    assert T([0.0, 4]).sqrt().value.tolist() == [0, 2] and (T([-2.0]) ** 3).value == -8 and (T([0.0]) ** 2).value == 0

    def slopes(operation, *values):
        tensors = [T(v) for v in values]
        result = operation(*tensors)
        result.backward(np.ones(result.shape))
        return [t.grad.tolist() for t in tensors]
    np.testing.assert_allclose(slopes(T.__pow__, [0.0, 0, 2, -2, 0, -0.5], [0.0, 0.5, 3, 2, 3, 2]),
                               [[0, math.inf, 12, -4, 0, -1], [0, 0, 8 * math.log(2), math.nan, 0, math.nan]])
    assert slopes(T.sqrt, [0.0, 4]) == [[math.inf, 0.25]]
    assert slopes(T.relu, [-1.0, 0, 2]) == [[0, 0, 1]] and slopes(abs, [-1.0, 0, 2]) == [[-1, 0, 1]]
    for x in (-800.0, -40.0, 800.0):
        e = math.exp(-abs(x))
        assert T([x]).sigmoid().value[0] == pytest.approx(e if x < 0 else 1, rel=1e-14)
        assert slopes(T.sigmoid, [x])[0][0] == pytest.approx(e, rel=1e-14)
    assert slopes(T.tanh, [20.0])[0][0] == pytest.approx(4 * math.exp(-40), rel=1e-14)


def test_infinity_times_zero_is_nan_in_both_engines(nb):
    x, t = nb.Node(0.0), nb.Tensor([0.0])
    (x.sqrt() * 0).backward()
    with np.errstate(invalid="ignore"):
        (t.sqrt() * 0).sum().backward()
    assert math.isnan(x.grad) and math.isnan(t.grad[0])


def test_joining_needs_axes(nb):
    with pytest.raises(ValueError, match=r"without axes.*reshape\(1\)"):
        nb.concatenate([nb.Tensor(1.0), nb.Tensor(2.0)])


# ---------------------------------------------------------------- backward
@pytest.mark.parametrize("wrong, error", [
    ({"gradient": "a"}, TypeError), ({"gradient": None}, TypeError), ({"animate": True, "accumulate": True}, ValueError),
    ({"gif": "a.gif", "accumulate": True}, ValueError)])
def test_a_refused_backward_changes_nothing(nb, wrong, error):
    a = nb.Node(3)
    root = a * a
    root.backward()
    t = nb.Tensor([3.0])
    square = (t * t).sum()
    square.backward()
    for thing in (root, square) if wrong != {"gradient": None} else (root,):
        with pytest.raises(error):
            thing.backward(**wrong)
    assert (root.grad, a.grad, square.grad, t.grad) == (1, 6, 1, 6)


def test_threads_take_turns_and_the_recursion_limit_is_put_back(nb):
    limit, wrong = sys.getrecursionlimit(), []
    shared = nb.Node(0.5)

    def work():
        for _ in range(5):
            y = shared
            for _ in range(300):
                y = y * 1.001 + 0.1
            y.backward()
            leaf = x = nb.Node(1.0)
            for _ in range(2000):
                x = x + 1
            x.backward()
            wrong.extend([] if leaf.grad == 1 and math.isfinite(shared.grad) else [leaf.grad])
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(switch)
    assert not wrong and sys.getrecursionlimit() == limit
    assert shared.grad == pytest.approx(1.001**300, rel=1e-12)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timer here")
def test_a_real_interrupt_anywhere_puts_the_recursion_limit_back(nb):
    def stop(*_):
        raise KeyboardInterrupt
    y = nb.Node(0.5)
    for _ in range(15):
        y = y * 1.1 + y.tanh()
    limit, stopped, draw = sys.getrecursionlimit(), 0, random.Random(2)
    before = signal.signal(signal.SIGALRM, stop)
    try:
        for _ in range(1500):
            try:
                signal.setitimer(signal.ITIMER_REAL, draw.uniform(2e-6, 120e-6))
                y.backward()
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                stopped += 1
            assert sys.getrecursionlimit() == limit
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert stopped > 100


# ---------------------------------------------------------------- copies
def falling(k):
    """Return a learning rate that falls with the step k."""
    return 1 - 0.9 * k / 100


def test_networks_and_trainings_can_be_pickled_and_copied(nb):
    for activation in ("relu", "tanh", "sigmoid", "linear"):
        model = nb.MLP(2, [3, 1], activation, rng=random.Random(1))
        for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
            assert twin((0.5, -2.0)).value == model((0.5, -2.0)).value
            twin.parameters()[0].value += 1
            assert twin.parameters()[0].value == model.parameters()[0].value + 1
    run = nb.Training(model, *nb.moons(1, n=20), steps=4, rate=falling)
    run.train(live=False, watch=None)
    run.steps = 8
    for twin in (pickle.loads(pickle.dumps(run)), copy.deepcopy(run)):
        twin.train(live=False)
        assert twin.history[:4] == run.history and len(twin.history) == 8
    assert len(run.history) == 4
    assert pickle.loads(pickle.dumps(nb.Tensor([1.0, 2], "weight", "w"))).value.tolist() == [1, 2]


@pytest.mark.parametrize("length", [1, 5_000])
def test_a_deep_copy_of_a_graph_is_a_graph_of_its_own(nb, length):
    first = x = nb.Node(1.5, "weight", "first")
    for _ in range(length):
        x = x + x * 0.1
    pair = copy.deepcopy([x, first, x])
    assert pair[0] is pair[2] and pair[0] is not x
    assert len(nb.graph_of(pair[0])) == 3 * length + 1 and pair[1] in nb.graph_of(pair[0])
    assert not set(nb.graph_of(pair[0])) & set(nb.graph_of(x))
    pair[0].backward()
    assert (pair[1].name, pair[1].role, pair[0].value, x.grad, first.grad) == ("first", "weight", x.value, None, None)
    x.backward()
    assert pair[1].grad == first.grad


# ---------------------------------------------------------------- labels
ONE_HOT = [[1, 0], [0, 1], [0, 1]]
LABELS = {  # what came, for what: the words of the remedy
    "hinge_loss": [([0, 1, 1], r"labels are -1, 1 here; got 0, 1\. Pass \[2 \* y - 1"), (ONE_HOT, r"row\).index"),
                    ([False, True, True], r"2 \* y - 1"), ([0.5, 1, 1], "the number of each class"), (["a", "b", "b"], "names.index"),
                    ([1, 2, 2], r"y - 1"), ([1, 1], "3 outputs but 2 labels"), ([math.nan, 1, 1], "got nan, 1")],
    "cross_entropy": [([-1, 1, 1], r"labels are 0, 1 here; got -1, 1\. Pass \[\(y \+ 1\) // 2"), (ONE_HOT, r"row\).index"),
                      ([1, 2, 1], "y - 1"), ([1, 2, 3], "the number of each class"), ([0, -1, 1], "the number of each class"), ([0, 1], "3 outputs but 2"),
                      ([0, 1, 5], "got 0, 1, 5"), ([0.5, 1, 0], "got 0.5")],
}
LABELS["cross_entropy of one score"] = LABELS["hinge_loss"]


def outputs_for(nb, name):
    """Return a call of the loss `name` on three outputs, waiting for labels."""
    if name in ("hinge_loss", "cross_entropy of one score"):
        return lambda labels: getattr(nb, name.split()[0])([nb.Node(0.1)] * 3, labels)
    return lambda labels: nb.cross_entropy([[nb.Node(1), nb.Node(2)]] * 3, labels)


@pytest.mark.parametrize("name, labels, words", [(name, *row) for name, rows in LABELS.items() for row in rows])
@pytest.mark.parametrize("kind", [list, np.array])
def test_labels_of_another_kind_are_refused_with_the_remedy(nb, name, labels, words, kind):
    with pytest.raises(ValueError, match=words):
        outputs_for(nb, name)(kind(labels))


def test_the_remedy_works(nb):
    points = nb.moons(1, n=20)[0]
    zeros = [int(y > 0) for y in nb.moons(1, n=20)[1]]
    one, two = nb.MLP(2, [3, 1], rng=random.Random(1)), nb.MLP(2, [3, 2], rng=random.Random(1))
    for labels, model, loss, remedy in (
            (zeros, one, nb.hinge_loss, lambda labels: [2 * y - 1 for y in labels]),
            ([y + 1 for y in zeros], two, nb.cross_entropy, lambda labels: [y - 1 for y in labels]),
            ([2 * y - 1 for y in zeros], two, nb.cross_entropy, lambda labels: [(y + 1) // 2 for y in labels]),
            ([[1 - y, y] for y in zeros], two, nb.cross_entropy, lambda labels: [list(row).index(max(row)) for row in labels])):
        with pytest.raises(ValueError, match="labels are"):
            nb.Training(model, points, labels, loss)
        run = nb.Training(model, points, remedy(labels), loss, steps=2)
        run.train(live=False)
        assert len(run.history) == 2


def test_many_classes_and_many_labels_are_shown_short(nb):
    with pytest.raises(ValueError, match=r"labels are 0, 1, … 9 here; got 11, 12, 13, 14, 15, 16, …\."):
        nb._whole_labels(range(11, 31), range(10), 20)
    assert nb._whole_labels(np.array([[3], [1]]).ravel(), range(4), 2) == [3, 1]
    assert nb._whole_labels((y for y in (True, 0.0)), (0, 1), 2) == [1, 0]


# ---------------------------------------------------------------- models and training
@pytest.mark.parametrize("point", [(1,), (1, 2, 99), ()])
def test_a_point_of_another_width_is_refused(nb, point):
    model = nb.MLP(2, [3, 1])
    with pytest.raises(ValueError, match=f"the model takes 2 numbers for each point; got {len(point)}"):
        model.scores([(1, 2), point])
    with pytest.raises(ValueError, match="as many weights as inputs"):
        nb.Training(nb.MLP(3, [1]), [(1, 2), (3, 4)], [1, -1])
    with pytest.raises(ValueError, match="point 1 has .* numbers, point 0 has 2"):
        nb.Training(model, [(1, 2), point], [1, -1])


@pytest.mark.parametrize("make, words", [
    (lambda nb: nb.Layer(2, 0), "1 neuron or more; got 0"), (lambda nb: nb.Neuron(-1), "1 input or more; got -1"),
    (lambda nb: nb.Neuron(0), "1 input or more"), (lambda nb: nb._mean([]), "mean of nothing"),
    (lambda nb: nb.hinge_loss([], []), "no outputs"), (lambda nb: nb.cross_entropy([], []), "no outputs"),
    (lambda nb: nb.as_arrays(with_activation(nb, "swish")), "relu, tanh, sigmoid, linear; got 'swish'"),
    (lambda nb: nb.squared_loss([nb.Node(1)], [1, 2]), "zip"),
])
def test_models_and_losses_of_nothing_are_refused(nb, make, words):
    with pytest.raises(ValueError, match=words):
        make(nb)


def with_activation(nb, name):
    """Return a network whose activation was renamed."""
    model = nb.MLP(2, [2, 1])
    model.layers[0].neurons[0].activation = name
    return model


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_a_parameter_without_a_gradient_is_named_and_nothing_moves(nb, kind):
    w, v = nb.Node(1.0, "weight", "w"), nb.Node(2.0, "weight", "v")
    optimizer = getattr(nb, kind)([w, v], 0.1)
    (w * 3).backward()
    with pytest.raises(ValueError, match="v has no gradient: call backward"):
        optimizer.step()
    assert (w.value, v.value) == (1, 2)
    (w * v).backward()
    optimizer.step()
    assert w.value < 1 and v.value < 2


def test_set_values_is_all_or_nothing(nb):
    model = nb.MLP(2, [1])
    before = nb._values_of(model.parameters())
    for values in ([1.0], [1.0] * 4):
        with pytest.raises(ValueError, match=f"3 parameters but {len(values)} values"):
            nb.set_values(model, values)
        assert nb._values_of(model.parameters()) == before


def small(nb, **extra):
    """Return a quick Training."""
    net = nb.MLP(2, [4, 1], rng=random.Random(3))
    return nb.Training(net, *nb.moons(1, n=20), **{"steps": 5} | extra)


def test_a_rate_may_be_a_number(nb):
    constant, function = small(nb, rate=0.05), small(nb, rate=lambda k: 0.05)
    for run in (constant, function):
        run.train(live=False)
    assert constant.history == function.history and constant.optimizer.rate == 0.05
    assert small(nb, rate=0).rate == 0


def test_an_error_in_watch_or_in_a_loss_comes_out(nb, monkeypatch):
    monkeypatch.setattr(nb, "display", lambda *things, **how: type("Handle", (), {"update": lambda *a, **k: None})())
    for live in (False, True):
        run = small(nb)
        with pytest.raises(ZeroDivisionError):
            run.train(live=live, watch=lambda t: 1 / 0)
        assert len(run.history) == 1
        run = small(nb, loss=lambda outputs, labels: {}["missing"])
        with pytest.raises(KeyError, match="missing"):
            run.train(live=live)


def test_an_overflow_on_the_way_stops_with_words_too(nb, capsys):
    run = small(nb, loss=nb.squared_loss, rate=1e60)
    before = nb._values_of(run.parameters)
    run.train(live=False)
    said = capsys.readouterr().out
    assert "the rate is too high" in said and f"{len(run.history)} of 5 steps" in said and len(run.history) < 5
    assert run.history or nb._values_of(run.parameters) == before


def test_an_interrupt_before_the_first_step_is_told_too(nb, monkeypatch, capsys):
    def stop(training):
        raise KeyboardInterrupt
    monkeypatch.setattr(nb, "_LiveView", stop)
    run = small(nb)
    run.train()
    assert "Stopped by you. 0 of 5 steps" in capsys.readouterr().out and run.history == []


def test_many_points_are_as_welcome_as_few(nb):
    points, labels = nb.moons(1, n=400)
    nb._check_data(points, [*labels])
    nb._check_data([*points], np.array(labels))
    with pytest.raises(ValueError, match="400 points but 399 labels"):
        nb._check_data(points, labels[:399])


class Handle:
    """What `display` returns, keeping what it was told to show."""

    def __init__(self, shown):
        self.shown = shown

    def update(self, what, raw=False):
        """Show it."""
        self.shown.append(what["text/plain"])


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_progress_bar_hides_no_error_of_the_first_step(nb, monkeypatch, error):
    shown = []
    monkeypatch.setattr(nb, "display", lambda what, **how: (shown.append(what["text/plain"]), Handle(shown))[1])
    with pytest.raises(error), nb._Progress(3, "training"):
        raise error
    assert shown == ["training 0/3"]
    with nb._Progress(3, "training") as progress:
        progress(3, "loss 1")
    assert shown[-1] == "training 3/3, loss 1"
    model = nb.dense([4, 2], np.random.default_rng(0))
    with pytest.raises(ValueError, match="mismatch"):
        nb.Training(model, np.ones((5, 3)), [0, 1, 0, 1, 0], nb.cross_entropy)
    with pytest.raises(ValueError, match="labels are 0, 1 here"):
        nb.Training(model, np.ones((5, 4)), [-1, 1, 1, 1, 1], nb.cross_entropy)
