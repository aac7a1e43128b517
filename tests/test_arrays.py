"""Chapter 5: every array operation, every pair of broadcastable shapes, random graphs, layers, both engines."""
import copy
import gc
import itertools
import math
import random
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import examples

SHAPES = [(), (1,), (3,), (1, 1), (1, 3), (2, 1), (2, 3), (1, 1, 1), (1, 2, 3), (4, 1, 3), (4, 2, 1), (4, 2, 3)]


def broadcastable(a, b):
    try:
        return np.broadcast_shapes(a, b)
    except ValueError:
        return None


PAIRS = [(a, b) for a, b in itertools.product(SHAPES, SHAPES) if broadcastable(a, b) is not None]


def entries(shape, seed, low=0.5, high=2.0):
    return np.random.default_rng(seed).uniform(low, high, shape)


def by_copies(gradient, shape):
    """An independent way to sum a gradient over copies: entry by entry."""
    out = np.zeros(shape)
    extra = gradient.ndim - len(shape)
    for at in np.ndindex(gradient.shape):
        out[tuple(0 if n == 1 else k for k, n in zip(at[extra:], shape))] += gradient[at]
    return out


DERIVATIVES = {
    "+": (lambda a, b: a + b, lambda a, b: (1 + 0 * (a + b), 1 + 0 * (a + b))),
    "-": (lambda a, b: a - b, lambda a, b: (1 + 0 * (a + b), -1 + 0 * (a + b))),
    "*": (lambda a, b: a * b, lambda a, b: (b + 0 * a, a + 0 * b)),
    "/": (lambda a, b: a / b, lambda a, b: (1 / b + 0 * a, -a / b**2)),
    "**": (lambda a, b: a**b, lambda a, b: (b * np.exp((b - 1) * np.log(a)), np.exp(b * np.log(a)) * np.log(a))),
}


@pytest.mark.parametrize("op", DERIVATIVES)
@pytest.mark.parametrize("a, b", PAIRS)
def test_every_pair_of_broadcastable_shapes(nb, op, a, b):
    value, derive = DERIVATIVES[op]
    x, y = entries(a, 1), entries(b, 2)
    tx, ty = nb.Tensor(x), nb.Tensor(y)
    result = value(tx, ty)
    upstream = entries(result.shape, 3, -1, 1)
    for _ in range(2):
        result.backward(upstream)
        dx, dy = (np.asarray(d) * upstream for d in derive(x, y))
        assert tx.grad.shape == a and ty.grad.shape == b
        np.testing.assert_allclose(tx.grad, by_copies(dx, a), rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(ty.grad, by_copies(dy, b), rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(result.value, value(x, y))
    assert (tx.value == x).all() and (ty.value == y).all()


UNARY = {
    "exp": (lambda t: t.exp(), np.exp), "log": (lambda t: t.log(), lambda x: 1 / x),
    "sqrt": (lambda t: t.sqrt(), lambda x: 0.5 * x**-0.5), "tanh": (lambda t: t.tanh(), lambda x: np.cosh(x)**-2),
    "sigmoid": (lambda t: t.sigmoid(), lambda x: 0.25 * np.cosh(x / 2)**-2),
    "relu": (lambda t: (t - 1.2).relu(), lambda x: (x > 1.2) * 1.0),
    "abs": (lambda t: abs(t - 1.2), lambda x: np.where(x > 1.2, 1.0, -1.0)), "neg": (lambda t: -t, lambda x: -np.ones_like(x)),
    "left": (lambda t: 3 - t, lambda x: -np.ones_like(x)), "1/x": (lambda t: 1 / t, lambda x: -x**-2),
    "2**x": (lambda t: 2**t, lambda x: np.exp2(x) * np.log(2)), "x**3": (lambda t: t**3, lambda x: 3 * x * x),
}


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 1, 4)])
def test_unary(nb, name, shape):
    build, slope = UNARY[name]
    x, upstream = entries(shape, 4), entries(shape, 5, -1, 1)
    t = nb.Tensor(x)
    build(t).backward(upstream)
    np.testing.assert_allclose(t.grad, slope(x) * upstream, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("a, b", [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)),
                                  ((2, 3), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)), ((1, 2, 3), (5, 3, 4)), ((5, 2, 3), (3,)),
                                  ((3,), (5, 3, 4))])
def test_matmul(nb, a, b):
    x, y = entries(a, 6, -1, 1), entries(b, 7, -1, 1)
    assert nb.array_error(lambda p, q: p @ q, x, y) < 1e-8
    np.testing.assert_array_equal((nb.Tensor(x) @ y).value, x @ y)
    np.testing.assert_array_equal((x @ nb.Tensor(y)).value, x @ y)


@pytest.mark.parametrize("build", [
    lambda t: t.sum(), lambda t: t.sum(0), lambda t: t.sum(1, keepdims=True), lambda t: t.sum((0, 2)), lambda t: t.mean(),
    lambda t: t.mean(-1), lambda t: t.max(), lambda t: t.max(1), lambda t: t.max((0, 2), keepdims=True),
    lambda t: t.reshape(6, 4), lambda t: t.reshape(-1), lambda t: t.T, lambda t: t.transpose(1, 0, 2),
    lambda t: t.transpose(2, 0, 1), lambda t: t[1], lambda t: t[:, 1:, ::2], lambda t: t[[0, 1, 1]],
    lambda t: t[np.array([0, 0]), [1, 2]], lambda t: t[t.value > 1.2],
])
def test_shapes_and_reductions(nb, build):
    assert nb.array_error(build, entries((2, 3, 4), 8)) < 1e-8


def test_concatenate_and_ties(nb):
    assert nb.array_error(lambda a, b: nb.concatenate([a, b, a], 1), entries((2, 3), 1), entries((2, 2), 2)) < 1e-8
    t = nb.Tensor([1.0, 3.0, 3.0])
    t.max().backward()
    assert t.grad.tolist() == [0, 0.5, 0.5]


def test_known_answers(nb):
    T = nb.Tensor
    assert [((T([1, 2, 3]) + 2).value.tolist()), (2 * T([1, 2, 3])).value.tolist()] == [[3, 4, 5], [2, 4, 6]]
    assert (2 + T([1, 2, 3])).value.tolist() == [3, 4, 5] and (np.array([2]) * T([1, 2])).value.tolist() == [2, 4]
    labels, p = np.array([1, 0, 1, 0]), T([.9, .2, .6, .4])
    loss = -(labels * p.log() + (1 - labels) * (1 - p).log()).mean()
    (3 * loss).backward()
    np.testing.assert_allclose(p.grad, 3 * np.array([-1 / 3.6, 1 / 3.2, -1 / 2.4, 1 / 2.4]))
    assert nb.cross_entropy(T([[800., 0, 0]]), [0]).value == 0
    assert nb.cross_entropy(T([[-800., 0, 0]]), [0]).value == pytest.approx(800.6931471805599, rel=1e-15)
    assert nb.cross_entropy(T([[-800.], [800.]]), [1, -1]).value == 800


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(st.tuples(st.sampled_from("+-*/@tsre"), st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=10))
def test_random_graphs_with_shared_nodes(nb, steps):
    def build(*leaves):
        made = list(leaves)
        for op, i, j in steps:
            a, b = made[-1 - i % len(made)], made[-1 - j % len(made)]
            if op in "+-*":
                made.append({"+": a + b, "-": a - b, "*": a * b * 0.3}[op])
            elif op == "/":
                made.append(a / (b * b + 1))
            elif op == "@":
                made.append((a @ b.T @ a).tanh() if a.shape == b.shape == (2, 2) else a.sum(0) * b)
            else:
                made.append({"t": a.tanh(), "s": a.sigmoid(), "r": a.mean(1, keepdims=True) + a,
                             "e": a.exp().tanh()}[op])
        return made[-1] * made[len(leaves)]
    assert nb.array_error(build, entries((2, 2), 11, -1, 1), entries((1, 2), 12), entries((2, 1), 13)) < 1e-6


@pytest.mark.parametrize("wrong, error, words", [
    (lambda nb: nb.Tensor("3"), TypeError, "str"), (lambda nb: nb.Tensor([[1], [1, 2]]), TypeError, "list"),
    (lambda nb: nb.Tensor(1j), TypeError, "complex"), (lambda nb: nb.Tensor([1, 2]) + "a", TypeError, "str"),
    (lambda nb: nb.Tensor([1, 2]).backward(), ValueError, r"gradient=np.ones\(\(2,\)\)"),
    (lambda nb: nb.Tensor([1, 2]).backward([1, 2, 3]), ValueError, "shape"),
    (lambda nb: nb.Tensor([-8.]) ** (1 / 3), ValueError, "negative base"), (lambda nb: nb.Tensor([0.]).log(), ValueError, "log"),
    (lambda nb: nb.Tensor(1, "wieght"), ValueError, "weight"),
])
def test_errors(nb, wrong, error, words):
    with pytest.raises(error, match=words):
        wrong(nb)


def test_kinds_of_numbers(nb):
    assert nb.Tensor([1, 2]).value.dtype == np.float64 and nb.Tensor([True]).value.dtype == np.float64
    assert (nb.Tensor(np.ones(2, np.float32)) * 2).value.dtype == np.float32
    mine = np.ones(3)
    t = nb.Tensor(mine)
    t.value -= 1
    assert mine.tolist() == [1, 1, 1]


def test_second_backward_accumulates_on_demand(nb):
    a = nb.Tensor([3.0])
    c = ((2 * a) ** 2).sum()
    c.backward()
    c.backward()
    assert a.grad == [24]
    c.backward(accumulate=True)
    assert a.grad == [48]


def test_using_a_weight_again_keeps_graph_and_batch_of_another_size_works(nb):
    model = nb.dense([2, 3, 1], np.random.default_rng(0))
    shapes = [p.shape for p in model.parameters()]
    for n in (5, 1, 7):
        model(np.ones((n, 2))).sum().backward()
        assert [p.shape for p in model.parameters()] == shapes == [p.grad.shape for p in model.parameters()]
    first, second = (nb.Dense(2, 3, "linear", np.random.default_rng(seed)) for seed in (0, 1))
    assert not (first.weight.value == second.weight.value).any()


def test_layers_bend(nb):
    x, weights = np.array([[-1.0, 2.0]]), []
    for name, bend in (("relu", lambda s: np.maximum(s, 0)), ("tanh", np.tanh), ("sigmoid", lambda s: 1 / (1 + np.exp(-s))),
                       ("linear", lambda s: s)):
        layer = nb.Dense(2, 3, name, np.random.default_rng(0))
        layer.bias.value = np.array([-1.0, 0.5, 1])
        np.testing.assert_allclose(layer(x).value, bend(x @ layer.weight.value + layer.bias.value), rtol=1e-14)
        weights.append(layer.weight.value)
    assert all((weights[0] == w).all() for w in weights)


def test_both_engines_are_equal(nb):
    points, labels = nb.moons(seed=3)
    small = nb.MLP(2, [16, 16, 1], rng=random.Random(7))
    large = nb.as_arrays(small)
    one = nb.hinge_loss([small(p) for p in points], labels) + nb.penalty(small.parameters())
    two = nb.hinge_loss(large(np.array(points)), labels) + sum((p * p).sum() for p in large.parameters()) * 1e-4
    one.backward()
    two.backward()
    assert abs(one.value - two.value) < 1e-12
    for layer, linear in zip(small.layers, large.layers):
        np.testing.assert_allclose(np.array([[w.grad for w in n.weights] for n in layer.neurons]).T, linear.weight.grad, atol=1e-12)
        np.testing.assert_allclose([n.bias.grad for n in layer.neurons], linear.bias.grad, atol=1e-12)


@pytest.mark.parametrize("order", [False, True])
def test_a_tensor_waits_for_its_last_user(nb, order):
    a = nb.Tensor([3.0, 0.5])
    b = 2 * a
    c = b + 1
    L = (c * b if order else b * c).sum()
    L.backward()
    assert b.grad.tolist() == [13, 3] and c.grad.tolist() == [6, 1] and a.grad.tolist() == [26, 6]
    twice = (b + b) * (b + b)
    twice.sum().backward()
    assert a.grad.tolist() == [96, 16]


def test_deep_chain_and_flat_memory(nb):
    limit = sys.getrecursionlimit()
    x = y = nb.Tensor([1.0])
    for _ in range(50_000):
        y = y + 1
    y.backward()
    assert x.grad == [1] and sys.getrecursionlimit() == limit
    del x, y
    model = nb.dense([4, 8, 1], np.random.default_rng(0))
    optimizer = nb.Adam(model.parameters(), 0.01)
    gc.collect()
    gc.disable()  # so that whatever is freed is freed because nothing refers to it any more
    try:
        alive = []
        for step in range(200):
            model(np.ones((3, 4))).sum().backward()
            optimizer.step()
            if step in (20, 199):
                alive.append(sum(type(x) is nb.Tensor for x in gc.get_objects()))
        assert alive[0] == alive[1]
    finally:
        gc.enable()


@pytest.mark.parametrize("momentum", [0, 0.9])
def test_optimizers_of_chapter_4_on_arrays(nb, momentum):
    p = nb.Tensor([1.0, -2.0], "weight")
    value, speed = p.value.copy(), np.zeros(2)
    sgd = nb.SGD([p], 0.1, momentum)
    for _ in range(5):
        (p**2).sum().backward()
        sgd.step()
        speed = momentum * speed + 2 * value
        value = value - 0.1 * speed
    np.testing.assert_allclose(p.value, value, rtol=1e-14)


def test_tensor_graphs_are_drawn(nb, tmp_path):
    x, w = nb.Tensor(np.ones((4, 2)), name="x"), nb.Tensor(np.ones((2, 3)), "weight", "W")
    loss = (x @ w).relu().sum()
    player = loss.backward(animate=True, gif=tmp_path / "t.gif", forward=True)
    assert (tmp_path / "t.gif").stat().st_size > 1000 and player is not None
    assert "(2, 3)" in loss.draw_graph().svg


@pytest.mark.slow
def test_ten_digits_on_three_seeds(nb, monkeypatch):
    monkeypatch.setattr(nb.Progress, "draw", lambda self, end=False: None)
    for seed in (1, 2, 3):
        images, new, truth, new_truth = nb.digit_images()
        model = nb.dense([64, 64, 32, 10], np.random.default_rng(seed))
        nb.train_arrays(model, nb.cross_entropy, images, truth, seed=seed)
        assert np.mean(model(new).value.argmax(1) == new_truth) >= 0.97


def test_equal_to_pytorch(nb):
    pytest.importorskip("torch")
    images, _, truth, _ = nb.digit_images()
    assert nb.torch_difference(nb.dense([64, 64, 32, 10], np.random.default_rng(1)), images[:50], truth[:50]) < 1e-12


# ---------------------------------------------------------------- a Tensor is a Node
def test_a_tensor_is_a_node_with_other_edges(nb):
    x = nb.Tensor([1.0, 2.0], "weight", "x")
    y = (x * 3).sum()
    assert isinstance(x, nb.Node) and nb.Tensor.backward is nb.Node.backward and nb.Tensor._count is nb.Node._count
    assert y.pulls is y.slopes and len(y.pulls) == 1 and callable(y.pulls[0]) and nb.graph_of(y)[0] is x
    y.backward()
    assert x.grad.tolist() == [3, 3] and y.pulls[0](np.array(2.0)).tolist() == [2, 2]
    steps, grads = nb.steps_of(y._pass(np.array(1.0)))
    assert [step.node for step in steps] == [y, y.operands[0]] and grads[x].tolist() == [3, 3]


@pytest.mark.parametrize("mixed", [
    lambda x, t: x + t, lambda x, t: t + x, lambda x, t: x * t, lambda x, t: t * x, lambda x, t: x - t, lambda x, t: t - x,
    lambda x, t: x / t, lambda x, t: t / x, lambda x, t: x**t, lambda x, t: t**x, lambda x, t: x @ t, lambda x, t: t @ x,
    lambda x, t: x // t, lambda x, t: t // x, lambda x, t: t // 2, lambda x, t: 2 // t, lambda x, t: t.sin(), lambda x, t: t.cos(),
    lambda x, t: t.floor(), lambda x, t: float(t), lambda x, t: t < 1])
def test_numbers_and_arrays_do_not_mix_and_what_arrays_lack_is_refused(nb, mixed):
    with pytest.raises(TypeError, match="Node|Tensor"):
        mixed(nb.Node(2.0), nb.Tensor([1.0, 2.0]))


def test_a_rule_may_give_slopes_or_pulls_and_take_options(nb):
    def scaled(x, /, factor=2, *, shift=0):
        return x * factor + shift, (factor,)

    def both(a, b):
        return a * b, [b, lambda g: (g * a).sum(0)]
    t, u = nb.Tensor([[1.0, 2], [3, 4]]), nb.Tensor([5.0, 6])
    assert nb.lift_arrays(scaled)(t, 3, shift=1).value.tolist() == [[4, 7], [10, 13]]
    assert nb.lift_arrays(scaled).__name__ == "scaled" and nb.array_error(nb.lift_arrays(scaled), t.value) < 1e-8
    assert nb.array_error(nb.lift_arrays(both), t.value, u.value) < 1e-8


def test_a_start_for_a_single_entry_may_be_a_number(nb):
    for shape in ((), (1,), (1, 1)):
        t = nb.Tensor(np.full(shape, 2.0))
        (root := t * t).backward()
        assert t.grad.shape == shape == root.grad.shape and t.grad == 4
        root.backward(gradient=3)
        assert t.grad.shape == shape and t.grad == 12


def test_a_deep_copy_has_arrays_of_its_own(nb):
    model = nb.dense([2, 3, 1], np.random.default_rng(0))
    twin = copy.deepcopy(model)
    for a, b in zip(model.parameters(), twin.parameters()):
        assert a is not b and (a.role, a.name) == (b.role, b.name) and not np.shares_memory(a.value, b.value)
        b.value += 1
        assert (a.value + 1 == b.value).all()


# ---------------------------------------------------------------- losses: what is refused
CLASSES = [([-1, 1, 1], r"labels are 0, 1 here; got -1, 1\. Pass \[\(y \+ 1\) // 2"), ([[1, 0], [0, 1], [0, 1]], r"row\).index"),
           ([1, 2, 1], "y - 1"), ([1, 2, 3], "the number of each class"), ([0, -1, 1], "the number of each class"),
           ([0, 1], "3 outputs but 2"), ([0, 1, 5], "got 0, 1, 5"), ([0.5, 1, 0], "got 0.5")]
SIGNS = [([0, 1, 1], r"labels are -1, 1 here; got 0, 1\. Pass \[2 \* y - 1"), ([[1, 0], [0, 1], [0, 1]], r"row\).index"),
         ([False, True, True], r"2 \* y - 1"), ([0.5, 1, 1], "the number of each class"), (["a", "b", "b"], "names.index"),
         ([1, 2, 2], r"y - 1"), ([1, 1], "3 outputs but 2 labels"), ([math.nan, 1, 1], "got nan, 1")]


@pytest.mark.parametrize("name, shape, labels, words", [
    *[("cross_entropy", (3, 2), *row) for row in CLASSES],
    *[(name, shape, *row) for name in ("cross_entropy", "hinge_loss") for shape in ((3,), (3, 1)) for row in SIGNS]])
@pytest.mark.parametrize("kind", [list, np.array])
def test_labels_of_another_kind_are_refused_for_arrays(nb, name, shape, labels, words, kind):
    with pytest.raises(ValueError, match=words):
        getattr(nb, name)(nb.Tensor(np.ones(shape)), kind(labels))


def test_scores_of_odd_shapes_are_refused(nb):
    for shape in ((), (2, 3, 4)):
        with pytest.raises(ValueError, match="for each image and a column for each class; got the shape"):
            nb.cross_entropy(nb.Tensor(np.ones(shape)), [0])
    for name, shape in (("cross_entropy", (0, 3)), ("cross_entropy", (0, 1)), ("hinge_loss", (0,))):
        with pytest.raises(ValueError, match="no outputs came"):
            getattr(nb, name)(nb.Tensor(np.ones(shape)), [])
    with pytest.raises(ValueError, match="reshape"):
        nb.squared_loss(nb.Tensor([1.0, 2]), [1, 2, 3])
