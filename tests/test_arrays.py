"""Chapter 5: every array operation, every pair of broadcastable shapes, edges, random graphs, layers, both engines."""
import copy
import gc
import itertools
import math
import random
import re
import sys
from fractions import Fraction

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
    assert nb.gradient_error(lambda p, q: p @ q, x, y) < 1e-8
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
    assert nb.gradient_error(build, entries((2, 3, 4), 8)) < 1e-8


@pytest.mark.parametrize("entry", [0.5, math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("key", [(100,), (20, 5), (64,), (63,)])
def test_rows_that_are_looked_up_get_their_gradients_back(nb, key, entry):
    rng = np.random.default_rng(22)
    for shape, kind in (((5, 3), "int64"), ((10,), "uint8"), ((64, 2, 2), "int32"), ((65, 2), "int64"), ((7, 0), "int64")):
        rows = rng.integers(0 if kind == "uint8" else -shape[0], shape[0], key).astype(kind)
        upstream = rng.normal(size=(*key, *shape[1:]))
        upstream.flat[:1] = entry
        table = nb.Tensor(rng.normal(size=shape))
        table[rows].backward(upstream)
        expected = np.zeros(shape)
        for at in np.ndindex(key):
            expected[rows[at]] = expected[rows[at]] + upstream[at]
        np.testing.assert_allclose(table.grad, expected, rtol=1e-13, atol=1e-13)
        assert table.grad.shape == shape


def test_a_result_changed_in_place_changes_no_gradient(nb):
    for name, slope in (("exp", np.exp), ("tanh", lambda x: np.cosh(x)**-2), ("sqrt", lambda x: 0.5 * x**-0.5),
                        ("sigmoid", lambda x: 0.25 * np.cosh(x / 2)**-2), ("relu", np.ones_like), ("log", lambda x: 1 / x)):
        t = nb.Tensor([1.0, 2.0])
        result = getattr(t, name)()
        result.value[...] = 7
        result.backward(np.ones(2))
        np.testing.assert_allclose(t.grad, slope(np.array([1.0, 2.0])), rtol=1e-12, err_msg=name)


def test_a_score_of_minus_infinity_is_a_probability_of_nothing(nb):
    loss = nb.cross_entropy(t := nb.Tensor([[0.0, -np.inf, 0.0]]), [0])
    loss.backward()
    assert loss.value == pytest.approx(math.log(2)) and t.grad.tolist() == [[-0.5, 0, 0.5]]
    assert nb.cross_entropy(nb.Tensor([[0.0, -np.inf]]), [1]).value == np.inf


def test_concatenate_and_ties(nb):
    assert nb.gradient_error(lambda a, b: nb.concatenate([a, b, a], 1), entries((2, 3), 1), entries((2, 2), 2)) < 1e-8
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
    assert nb.gradient_error(build, entries((2, 2), 11, -1, 1), entries((1, 2), 12), entries((2, 1), 13)) < 1e-6


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
def test_ten_digits_on_three_seeds(nb):
    (images, truth), _, (new, new_truth) = nb.digit_images()
    for seed in (1, 2, 3):
        model = nb.dense([64, 64, 32, 10], np.random.default_rng(seed))
        nb.Training(model, images, truth, nb.cross_entropy, nb.SGD(model.parameters(), 0.05, momentum=0.9), steps=1020,
                    batch=32, seed=seed).train(live=False)
        assert np.mean(model(new).value.argmax(1) == new_truth) >= 0.965


def test_equal_to_pytorch(nb):
    pytest.importorskip("torch")
    (images, truth), *_ = nb.digit_images()
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
    assert nb.lift_arrays(scaled).__name__ == "scaled" and nb.gradient_error(nb.lift_arrays(scaled), t.value) < 1e-8
    assert nb.gradient_error(nb.lift_arrays(both), t.value, u.value) < 1e-8


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
           ([0, 1], "3 outputs but 2"), ([0, 1, 5], "got 0, 1, 5"), ([0.5, 1, 0], "got 0.5"),
           ([math.nan, 1, 0], "got nan, 1"), (["0", "1", "1"], "names.index"), ([[0], [1], [1]], r"\[y\[0\] for y in labels\]"),
           ([[0, 1, 1]], "3 outputs but 1"), ([1j, 1, 0], "got .*1j"), ([], "3 outputs but 0")]
SIGNS = [([0, 1, 1], r"labels are -1, 1 here; got 0, 1\. Pass \[2 \* y - 1"), ([[1, 0], [0, 1], [0, 1]], r"row\).index"),
         ([False, True, True], r"2 \* y - 1"), ([0.5, 1, 1], "the number of each class"), (["a", "b", "b"], "names.index"),
         ([1, 2, 2], r"y - 1"), ([1, 1], "3 outputs but 2 labels"), ([math.nan, 1, 1], "got nan, 1"),
         ([[1, -1, 1]], "3 outputs but 1"), ([-1, 1, 0], "the number of each class"), ([], "3 outputs but 0"),
         ([math.inf, 1, 1], "got inf"), ([1j, 1, 1], "got .*1j")]


@pytest.mark.parametrize("name, shape, labels, words", [
    *[("cross_entropy", (3, 2), *row) for row in CLASSES],
    *[(name, shape, *row) for name in ("cross_entropy", "hinge_loss") for shape in ((3,), (3, 1)) for row in SIGNS]])
@pytest.mark.parametrize("kind", [list, np.array])
def test_labels_of_another_kind_are_refused_for_arrays(nb, name, shape, labels, words, kind):
    with pytest.raises(ValueError, match=words):
        getattr(nb, name)(nb.Tensor(np.ones(shape)), kind(labels))


@pytest.mark.parametrize("kind", [list, np.array])
def test_cross_entropy_of_a_stack_of_scores_is_that_of_its_rows(nb, kind):
    scores, labels = entries((2, 3, 4), 21, -3, 3), [[0, 3, 1], [2, 2, 0]]
    stack, rows = nb.Tensor(scores), nb.Tensor(scores.reshape(6, 4))
    one, two = nb.cross_entropy(stack, kind(labels)), nb.cross_entropy(rows, sum(labels, []))
    one.backward()
    two.backward()
    assert one.value == pytest.approx(two.value.item(), rel=1e-14)
    np.testing.assert_allclose(stack.grad.reshape(6, 4), rows.grad, rtol=1e-14)
    assert nb.gradient_error(lambda t: nb.cross_entropy(t, kind(labels)), scores) < 1e-8


def test_scores_of_odd_shapes_are_refused(nb):
    with pytest.raises(ValueError, match="for each image and a column for each class; got the shape"):
        nb.cross_entropy(nb.Tensor(np.ones(())), [0])
    for labels in ([0], [[0, 1], [2, 0], [1, 1]], [0, 1, 2]):
        with pytest.raises(ValueError, match="6 outputs but [13] labels"):
            nb.cross_entropy(nb.Tensor(np.ones((2, 3, 4))), labels)
    for name, shape in (("cross_entropy", (0, 3)), ("cross_entropy", (0, 1)), ("hinge_loss", (0,)),
                        ("squared_loss", (0, 1)), ("squared_loss", (0,))):
        with pytest.raises(ValueError, match="no outputs came"):
            getattr(nb, name)(nb.Tensor(np.ones(shape)), [])
    with pytest.raises(ValueError, match="reshape"):
        nb.squared_loss(nb.Tensor([1.0, 2]), [1, 2, 3])


def test_labels_in_a_column_fit_scores_in_a_column_only(nb):
    column = [[-1], [1], [1]]
    for kind in (list, np.array):
        for name in ("hinge_loss", "cross_entropy"):
            loss = getattr(nb, name)
            assert loss(nb.Tensor(np.ones((3, 1))), kind(column)).value == loss(nb.Tensor(np.ones(3)), [-1, 1, 1]).value
            with pytest.raises(ValueError, match=r"Pass \[y\[0\] for y in labels\]"):
                loss(nb.Tensor(np.ones(3)), kind(column))
        with pytest.raises(ValueError, match=r"Pass \[y\[0\] for y in labels\]"):
            nb.cross_entropy(nb.Tensor(np.ones((3, 2))), kind(column))


@pytest.mark.parametrize("labels, error, words", [
    (0.5, TypeError, "labels are a list, one for each output; got 0.5"), (None, TypeError, "got None"),
    (np.array(1), TypeError, r"got array\(1\)"), ([[1], [1, 2], [0]], ValueError, r"got \[1\], \[1, 2\]"),
    ("abc", ValueError, "names.index"), ([None] * 3, ValueError, "got None")])
@pytest.mark.parametrize("name, shape", [("cross_entropy", (3, 2)), ("cross_entropy", (3,)), ("hinge_loss", (3, 1))])
def test_what_is_no_list_of_labels_is_refused(nb, name, shape, labels, error, words):
    with pytest.raises(error, match=words):
        getattr(nb, name)(nb.Tensor(np.ones(shape)), labels)


def test_labels_that_are_tensors_or_nodes_are_refused(nb):
    for labels in (nb.Tensor([0, 1, 1]), [nb.Node(1)] * 3):
        for shape in ((3, 2), (3,), (3, 1)):
            with pytest.raises((TypeError, ValueError), match=r"\.value"):
                nb.cross_entropy(nb.Tensor(np.ones(shape)), labels)


def test_targets_correspond_to_scores(nb):
    scores = np.arange(6.0).reshape(2, 3)
    for fits in (scores + 1, (scores + 1).tolist(), scores.ravel() + 1, scores[:, None] + 1):
        assert nb.squared_loss(nb.Tensor(scores), fits).value == 1
    for wrong in (scores.reshape(3, 2), scores[:1], scores[0, 0], np.ones((2, 3, 2))):
        with pytest.raises(ValueError, match=r"scores have the shape \(2, 3\), targets .*reshape"):
            nb.squared_loss(nb.Tensor(scores), wrong)
    for wrong in ("abcdef", scores * 1j, nb.Tensor(scores)):
        with pytest.raises(TypeError):
            nb.squared_loss(nb.Tensor(scores), wrong)


# ---------------------------------------------------------------- every operation, at the edges of what there is
SWEEP_SHAPES = [(), (0,), (0, 3), (2, 3), (2, 1, 4)]
PLAIN = {  # entry by entry, and what moves entries: the kit's way and NumPy's
    "exp": (lambda t: t.exp(), np.exp), "log": (lambda t: t.log(), np.log), "sqrt": (lambda t: t.sqrt(), np.sqrt),
    "tanh": (lambda t: t.tanh(), np.tanh), "sigmoid": (lambda t: t.sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
    "relu": (lambda t: (t - 1.2).relu(), lambda x: np.maximum(x - 1.2, 0)),
    **{name: (build, build) for name, build in {
        "abs": lambda t: abs(t - 1.2), "-t": lambda t: -t, "t + 2": lambda t: t + 2, "2 + t": lambda t: 2 + t,
        "t - 2": lambda t: t - 2,
        "3 - t": lambda t: 3 - t, "t * 2": lambda t: t * 2, "0.5 * t": lambda t: 0.5 * t, "t / 3": lambda t: t / 3,
        "3 / t": lambda t: 3 / t, "t ** 2": lambda t: t**2, "t ** -1": lambda t: t**-1, "t ** 0.5": lambda t: t**0.5,
        "2 ** t": lambda t: 2**t, "t ** t": lambda t: t**t, "t * t": lambda t: t * t,
        "t + t + t": lambda t: (t + t) + t,
        "T": lambda t: t.T, "t[...]": lambda t: t[...], "t[None]": lambda t: t[None],
        "reshape(-1)": lambda t: t.reshape(-1),
        "reshape(1, ...)": lambda t: t.reshape(1, *t.shape)}.items()}}


def axes_of(shape):
    """Return the ways to name axes: None, none, one from either end, pairs of both signs, all."""
    n = len(shape)
    return [None, (), *range(-n, n), *[(i, j - n) for i, j in itertools.permutations(range(n), 2)], (*range(-n, 0),)]


def one_operand(nb, shape):
    """Yield (name, the kit's way, NumPy's way) for all that can be done to one array of that shape."""
    yield from ((name, *ways) for name, ways in PLAIN.items())
    n = len(shape)
    for name, keep, axis in itertools.product(("sum", "mean", "max"), (False, True), axes_of(shape)):
        over = range(n) if axis is None else np.atleast_1d(axis).astype(int)
        if name == "max" and 0 in [shape[k] for k in over] or name == "mean" and 0 in shape:
            continue  # of nothing: below
        yield (f"{name}({axis}, {keep})", lambda t, n=name, a=axis, k=keep: getattr(t, n)(a, keepdims=k),
               lambda x, n=name, a=axis, k=keep: getattr(np, n)(x, a, keepdims=k))
    for axes in itertools.permutations(range(n)):
        for order in (axes, [k - n for k in axes], [k - n * (k % 2) for k in axes]):
            yield f"transpose{(*order,)}", lambda t, a=order: t.transpose(*a), lambda x, a=order: np.transpose(x, a)
    for axis in range(-n, n):
        rows = shape[axis]
        for at in ([], [*range(rows), *range(-rows, 0)], np.zeros(rows, bool), slice(0, 0), slice(None, None, -1),
                   *range(-rows, rows)):
            key = [slice(None)] * n
            key[axis] = at
            yield f"index {key}", *[lambda t, key=tuple(key): t[key]] * 2
        yield (f"concatenate {axis}", lambda t, a=axis: nb.concatenate([t, np.ones(t.shape), t], a),
               lambda x, a=axis: np.concatenate([x, np.ones(x.shape), x], a))
    for key in [np.ones(shape, bool), np.zeros(shape, bool), *[(k,) * n for k in (0, -1) if 0 not in shape]]:
        yield f"index {key}", *[lambda t, key=key: t[key]] * 2


def jacobian(function, arrays, k, h=1e-6):
    """Return the slopes of every entry of the result in every entry of array k: nudged one by one, in float64."""
    table = np.zeros((np.size(function(*arrays)), arrays[k].size))
    for column, at in enumerate(np.ndindex(arrays[k].shape)):
        ends = []
        for step in (h, -h):
            moved = [np.array(a, float) for a in arrays]
            moved[k][at] += step
            ends.append(function(*moved))
        table[:, column] = np.ravel(ends[0] - ends[1]) / (2 * h)
    return table


def examine(nb, name, kit, plain, *arrays):
    """Judge one operation: value, shape, kinds, gradients, and whose all the arrays are."""
    kinds, tensors = {a.dtype for a in arrays}, [nb.Tensor(a) for a in arrays]
    result, wanted = kit(*tensors), np.asarray(plain(*arrays))
    assert type(result.value) is np.ndarray and result.value.shape == result.shape == wanted.shape, name
    assert result.value.dtype == np.result_type(*kinds), name
    near, far = {"rtol": 3e-6, "atol": 1e-6}, {"rtol": 2e-5, "atol": 2e-5}
    if np.dtype(np.float32) not in kinds:
        near, far = {"rtol": 1e-13, "atol": 1e-13}, {"rtol": 1e-7, "atol": 1e-8}
    np.testing.assert_allclose(result.value, wanted, **near, err_msg=name)
    given = entries(wanted.shape, 9, -1, 1)
    upstream = given.copy()
    result.backward(given)
    nodes = nb.graph_of(result)
    for node in nodes:
        assert type(node.grad) is np.ndarray and node.grad.shape == node.shape, name
        assert node.grad.dtype == node.value.dtype, name
        assert node.grad.flags.writeable and node.value.flags.writeable == (node is result), name
        for other in [given, *[n.value for n in nodes], *[n.grad for n in nodes if n is not node]]:
            assert not np.shares_memory(node.grad, other), name
    for k, (t, a) in enumerate(zip(tensors, arrays)):
        slopes = (upstream.ravel() @ jacobian(plain, arrays, k)).reshape(a.shape)
        np.testing.assert_allclose(t.grad, slopes, **far, err_msg=name)
    before = [t.grad.copy() for t in tensors]
    for t in tensors:
        t.grad *= 0.5
    result.backward(given, accumulate=True)
    for t, a, grad in zip(tensors, arrays, before):
        np.testing.assert_allclose(t.grad, 1.5 * grad, rtol=1e-5, atol=1e-6, err_msg=name)
        t.grad[...] = 0
        assert not t.grad.any() and (given == upstream).all() and (t.value == a).all(), name


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SWEEP_SHAPES, ids=str)
def test_every_operation_on_every_kind_of_array(nb, shape, kind):
    for name, kit, plain in one_operand(nb, shape):
        examine(nb, name, kit, plain, entries(shape, 21).astype(kind))


STRETCHED = [(a, b) for a, b in itertools.product([*SWEEP_SHAPES, (1,), (3,), (2, 1)], repeat=2)
             if broadcastable(a, b) is not None]
KINDS = [*itertools.product([np.float32, np.float64], repeat=2)]


@pytest.mark.parametrize("first, second", KINDS)
@pytest.mark.parametrize("build", [value for value, _ in DERIVATIVES.values()], ids=DERIVATIVES)
def test_every_operation_of_two_arrays(nb, build, first, second):
    for a, b in STRETCHED:
        examine(nb, f"{a} {b}", build, build, entries(a, 22).astype(first), entries(b, 23).astype(second))


@pytest.mark.parametrize("first, second", KINDS)
def test_products_and_joins_with_nothing_in_them(nb, first, second):
    for a, b in (((0,), (0,)), ((2, 0), (0, 3)), ((0, 2), (2, 3)), ((2, 3), (3, 0)), ((0, 3), (3,)), ((3,), (3, 0)),
                 ((2, 0), (0,)),
                 ((0,), (0, 2)), ((0, 2, 3), (3, 2)), ((2, 1, 4), (4, 2)), ((2, 1, 4), (4,)), ((4,), (2, 4, 1)),
                 ((2, 0, 3), (2, 3, 1)),
                 ((1, 2, 3), (0, 3, 2)), ((2, 3), (3, 2)), ((3,), (3,))):
        examine(nb, f"{a} @ {b}", *[lambda x, y: x @ y] * 2, entries(a, 24).astype(first),
                entries(b, 25).astype(second))
    for a, b, axis in (((0,), (2,), 0), ((0, 3), (2, 3), -2), ((2, 0), (2, 3), -1), ((0, 3), (0, 3), 1),
                       ((2, 1, 4), (2, 0, 4), -2)):
        examine(nb, f"{a} and {b}", lambda s, t, axis=axis: nb.concatenate([s, t], axis),
                lambda x, y, axis=axis: np.concatenate([x, y], axis), entries(a, 26).astype(first),
                entries(b, 27).astype(second))


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("shape, axis", [
    *[(s, a) for s in [(0,), (0, 3), (3, 0), (2, 0, 4)] for a in range(-len(s), len(s))],
    ((0,), None), ((0, 3), None), ((0, 3), (0, -1)), ((2, 0, 4), (-2, 0))])
def test_the_mean_and_the_maximum_of_nothing(nb, shape, axis, keep):
    t, left = nb.Tensor(np.zeros(shape, np.float32)), np.zeros(shape).sum(axis, keepdims=keep).shape
    mean = t.mean(axis, keepdims=keep)
    assert mean.shape == left and mean.value.dtype == np.float32 and np.isnan(mean.value).all()
    mean.sum().backward()
    assert t.grad.shape == shape and t.grad.dtype == np.float32
    if 0 in left:
        (largest := t.max(axis, keepdims=keep)).sum().backward()
        assert largest.shape == left and t.grad.shape == shape
    else:
        words = f"nothing has no maximum: the shape is {shape}, zero-size, and the axis {axis}"
        with pytest.raises(ValueError, match=re.escape(words)):
            t.max(axis, keepdims=keep)


@pytest.mark.parametrize("shape", SWEEP_SHAPES, ids=str)
def test_an_axis_that_is_not_there_is_refused_at_once(nb, shape):
    n, t = len(shape), nb.Tensor(np.ones(shape))
    for axis, name in itertools.product((n + 1, -n - 2, (n + 1,)), ("sum", "mean", "max")):
        with pytest.raises(np.exceptions.AxisError, match=f"out of bounds for array of dimension {n}"):
            getattr(t, name)(axis)
    for axes in ((n + 1, *range(1, n)), (0,) * (n + 1)):
        with pytest.raises(ValueError):
            t.transpose(*axes)
    if n:
        for axis in (n, -n - 1):
            with pytest.raises(np.exceptions.AxisError,
                               match=f"axis {axis} is out of bounds for array of dimension {n}"):
                nb.concatenate([t, t], axis)
        with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
            nb.concatenate([t, t], None)
    back = t.transpose(None)
    back.backward(np.ones(back.shape))
    assert back.shape == shape[::-1] and t.grad.shape == shape


@pytest.mark.parametrize("small, large", [((), ()), ((), (0,)), ((), (0, 3)), ((), (2, 3)), ((1,), (0,)), ((0,), (0,)),
                                          ((0,), (2, 0)),
                                          ((1, 3), (0, 3)), ((3,), (0, 3)), ((0, 1), (0, 3)), ((1, 1), (0, 0)),
                                          ((2, 1, 1), (2, 0, 4))])
def test_unbroadcast_to_nothing_and_from_nothing(nb, small, large):
    gradient = entries(large, 28)
    assert (summed := nb.unbroadcast(gradient, small)).shape == small
    np.testing.assert_allclose(summed, by_copies(gradient, small))


# ---------------------------------------------------------------- float32 stays float32
OTHERS = [2, 2.5, np.float64(2.5), np.float32(2.5), np.int64(2), np.uint8(2), True, np.bool_(True), Fraction(5, 2),
          np.array(2.5),
          [2.5, 1, 2], (1, 2, 3), np.array([2.5, 1, 2]), np.array([[1], [2]]), np.array([True, True, True]),
          np.float16([1, 2, 3]),
          np.ones((2, 3), np.longdouble), np.array([Fraction(1, 2), 1, 2], object)]


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("other", OTHERS, ids=repr)
def test_what_is_no_tensor_takes_the_kind_of_the_tensor(nb, kind, other):
    x, plain = entries((2, 3), 31).astype(kind), np.array(other, float)
    for build, left in itertools.product([value for value, _ in DERIVATIVES.values()], (False, True)):
        t = nb.Tensor(x)
        result, wanted = (build(other, t), build(plain, x)) if left else (build(t, other), build(x, plain))
        assert type(result) is nb.Tensor and result.value.dtype == kind and result.shape == wanted.shape
        np.testing.assert_allclose(result.value, wanted, rtol=1e-2 if kind == np.float16 else 2e-6)
        result.backward(np.ones(result.shape))
        assert t.grad.dtype == result.grad.dtype == kind
    table = np.broadcast_to(plain, (2, 3))
    for result in (nb.Tensor(x) @ table.T, table.tolist() @ nb.Tensor(x.T),
                   nb.concatenate([table, nb.Tensor(x), table])):
        assert result.value.dtype == kind


def test_masks_losses_layers_and_rules_of_ones_own_keep_the_kind(nb):
    x = np.float32([[1.5, -2, 3], [0.5, 1, -1]])
    t, layer = nb.Tensor(x), nb.Dense(3, 2, "sigmoid", np.random.default_rng(0))
    for p in (layer.weight, layer.bias):
        p.value = p.value.astype(np.float32)
    for result in (t * (x > 0), t[x > 0], nb.cross_entropy(t, [0, 2]), nb.cross_entropy(t[:, 0], [1, -1]),
                   layer(x.astype(float)),
                   nb.hinge_loss(t[:, :1], np.array([1.0, -1])), nb.squared_loss(t, np.ones((2, 3))),
                   nb.lift_arrays(lambda a, b, c: (a * b + c, (b, a, 1)))(t, np.float64(3), x.astype(float))):
        result.backward(np.ones(result.shape))
        for node in nb.graph_of(result):
            assert node.value.dtype == node.grad.dtype == np.float32
    both = nb.lift_arrays(lambda a, b, c: (a * b * c, (b * c, a * c, a * b)))(t, [1 / 3], nb.Tensor([2.0]))
    assert both.value.dtype == np.float64 and (both.value == x.astype(float) * (1 / 3) * 2).all()


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SWEEP_SHAPES, ids=str)
@pytest.mark.parametrize("make", [
    lambda nb, p: nb.SGD(p, np.float64(0.1)), lambda nb, p: nb.SGD(p, 0.1, np.float64(0.9)),
    lambda nb, p: nb.SGD(p, np.float32(0.1), 0.5),
    lambda nb, p: nb.SGD(p, 1), lambda nb, p: nb.Adam(p, np.float64(0.1)),
    lambda nb, p: nb.Adam(p, 0.1, np.array([0.9, 0.999]), np.float64(1e-8))])
def test_steps_keep_the_kind_and_the_shape(nb, make, shape, kind):
    p, exact = [nb.Tensor(entries(shape, 32).astype(kind).astype(k), "weight") for k in (kind, float)]
    pairs = [(t, make(nb, [t])) for t in (p, exact)]
    for k in range(3):
        for t, optimizer in pairs:
            (t * t * t).sum().backward()
            optimizer.rate = np.float64(0.05) if k else optimizer.rate
            optimizer.step()
        assert p.value.dtype == p.grad.dtype == kind and p.shape == shape and type(p.grad) is np.ndarray
    state = pairs[0][1].state
    for kept in (state if isinstance(state, list) else state[1] + state[2]):
        assert kept.dtype == kind
    np.testing.assert_allclose(p.value, exact.value, rtol=1e-5)
    assert (p * 1).shape == shape and type(p.value) is np.ndarray


def test_numbers_of_numpy_do_not_creep_into_nodes(nb):
    for make in (lambda p: nb.SGD(p, np.float64(0.1), np.float64(0.9)), lambda p: nb.Adam(p, np.float64(0.1))):
        w = nb.Node(3.0, "weight")
        optimizer = make([w])
        for _ in range(2):
            (w * w).backward()
            optimizer.step()
        assert type(w.value) is float


# ---------------------------------------------------------------- what is changed between an operation and backward()
def writes(t):
    """Return ways to change the array of a Tensor in place."""
    return (lambda: t.value.__setitem__(..., 5), lambda: t.value.__isub__(1),
            lambda: np.multiply(t.value, 2, out=t.value),
            lambda: t.value.reshape(-1).__setitem__(slice(None), 0), lambda: t.value.T.__imul__(2),
            lambda: t.value.fill(1))


@pytest.mark.parametrize("shape", [(), (2, 3), (2, 1, 4)], ids=str)
def test_what_an_operation_has_used_cannot_be_changed_in_place(nb, shape):
    for name, kit, _ in one_operand(nb, shape):
        t = nb.Tensor(entries(shape, 33))
        t.value += 1  # nothing has used it
        was, result = t.value.copy(), kit(t)
        for write in writes(t):
            with pytest.raises(ValueError, match="read-only"):
                write()
        result.value[...] = 7  # nor this
        assert (t.value == was).all(), name


def test_both_operands_are_read_only_constants_too(nb):
    for build in (lambda a, b: a + b, lambda a, b: a**b, lambda a, b: a @ b, lambda a, b: nb.concatenate([a, b])):
        a, b = nb.Tensor(np.ones((2, 2))), nb.Tensor(np.ones((2, 2)), "constant")
        build(a, b)
        for write in (*writes(a), *writes(b)):
            with pytest.raises(ValueError, match="read-only"):
                write()


def test_a_new_array_in_place_of_the_old_one_changes_no_gradient(nb):
    t = nb.Tensor([1.0, 2, 3])
    result = (t * t).sum()
    t.value = t.value - 1
    result.backward()
    assert t.grad.tolist() == [2, 4, 6] and t.value.tolist() == [0, 1, 2]
    t.value -= 1  # nothing has used the new one
    (t * t).sum().backward()
    assert t.grad.tolist() == [-2, 0, 2]
    copied = copy.deepcopy(t)
    copied.value[0] = 5
    assert t.value[0] == -1


@pytest.mark.parametrize("given", [3, 2.5, np.float64(3), [1, 2], (1.0, 2), np.array([1, 2]), np.array([True, False]),
                                   np.float32([1, 2])])
def test_whatever_is_put_into_a_tensor_is_an_array_when_it_is_used(nb, given):
    t = nb.Tensor([0.0, 0])
    t.value = given
    result = 3 * t
    np.testing.assert_array_equal(result.value, 3.0 * np.array(given))
    result.backward(np.ones(result.shape))
    assert type(t.value) is np.ndarray and (t.grad == 3).all() and t.grad.shape == np.shape(given)
    assert t.value.dtype == t.grad.dtype == (np.float32 if getattr(given, "dtype", 0) == np.float32 else np.float64)
    t.value = "3"
    with pytest.raises(TypeError, match="a Tensor holds an array of numbers"):
        t * 2


@pytest.mark.parametrize("view", [lambda a: a[:2], lambda a: a.T, lambda a: a.reshape(-1),
                                  lambda a: np.broadcast_to(a, (2, *a.shape)),
                                  lambda a: a[1, 0:1]])
def test_a_view_that_is_put_into_a_tensor_is_copied_when_it_is_used(nb, view):
    mine, t = entries((3, 2), 34), nb.Tensor(0)
    t.value = view(mine)
    was, result = t.value.copy(), t * t
    mine[...] = 0
    result.backward(np.ones(result.shape))
    np.testing.assert_array_equal(t.grad, 2 * was)


def test_what_a_gradient_holds_is_added_to_and_what_is_added_is_its_own(nb):
    for shape in ((), (2,), (0,)):
        t = nb.Tensor(np.full(shape, 3.0))
        mine = np.ones(shape)
        for times in (1, 2, 3):
            t.backward(mine, accumulate=True)
            assert type(t.grad) is np.ndarray and (t.grad == times).all() and (mine == 1).all()
        root = (t * t).sum()
        for start in (1, 1.0, np.float64(1), np.ones(shape)):
            t.grad = start
            root.backward(accumulate=True)
            assert type(t.grad) is np.ndarray and t.grad.shape == shape and (t.grad == 7).all()


def change(thing):
    """Change a list, an array, or what a tuple holds, in place."""
    if isinstance(thing, tuple):
        [change(part) for part in thing if not isinstance(part, slice)]
    elif isinstance(thing, list):
        thing.reverse()
        thing[1:] = thing[1:][::-1]
    else:
        thing[...] = np.roll(thing.copy(), 1)


@pytest.mark.parametrize("build, things", [
    *[(lambda t, key: t[key], key) for key in (
        lambda: np.array([0, 2]), lambda: [0, 2], lambda: np.array([True, True, False]),
        lambda: (np.array([0, 2]), [1, 0]),
        lambda: (slice(None), [0, 1]), lambda: [True, True, False])],
    (lambda t, c: t * c, lambda: np.arange(1.0, 7).reshape(3, 2)),
    (lambda t, c: c / t, lambda: [[1.0, 2], [3, 4], [5, 6]]),
    (lambda t, c: t**c, lambda: np.arange(1.0, 3)), (lambda t, c: t @ c, lambda: np.arange(4.0).reshape(2, 2)),
    (lambda t, c: c @ t, lambda: np.arange(6.0).reshape(2, 3)), (lambda t, c: t.transpose(c), lambda: [1, 0]),
    (lambda t, c: t.transpose(c), lambda: np.array([1, 0])), (lambda t, c: t.reshape(c), lambda: [2, 3]),
    ("cross_entropy", lambda: np.array([0, 1, 1])), ("cross_entropy", lambda: [0, 1, 1]),
    ("squared_loss", lambda: np.arange(6.0).reshape(3, 2)),
    ("hinge_loss", lambda: np.array([[1, -1], [1, 1], [-1, -1]])),
    ("hinge_loss", lambda: np.array([[1.0, -1], [1, 1], [-1, -1]])),
    ("concatenate", lambda: np.arange(6.0).reshape(3, 2))])
def test_what_is_the_readers_may_be_changed_before_backward(nb, build, things):
    if isinstance(build, str):
        build = (lambda t, c: nb.concatenate([t, c, t])) if build == "concatenate" else getattr(nb, build)
    grads = []
    for changed in (False, True):
        thing, t = things(), nb.Tensor(entries((3, 2), 35))
        result = build(t, thing)
        upstream = entries(result.shape, 36)
        if changed:
            change(thing)  # so no array of the reader's has become read-only
            assert repr(thing) != repr(things())
        result.backward(upstream)
        upstream[...] = 0
        grads.append(t.grad)
        assert result.grad.any()
    np.testing.assert_array_equal(*grads)
