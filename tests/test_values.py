"""Values, shapes, kinds of numbers and gradients of both engines, judged by NumPy and `math`, never by the kit."""
import itertools
import math
import random

import numpy as np
import pytest

ACTIVATIONS = {"relu": lambda x: np.maximum(x, 0), "tanh": np.tanh, "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
               "linear": lambda x: x}


def draw(shape, seed, low=0.5, high=2.0):
    return np.random.default_rng(seed).uniform(low, high, shape)


def nudged(function, arrays, upstream, h=1e-6):
    """Return the gradient of sum(upstream · function(*arrays)) in each array, by central differences."""
    out = []
    for k, array in enumerate(arrays):
        grad = np.zeros(array.shape)
        for at in np.ndindex(array.shape):
            sides = []
            for step in (h, -h):
                moved = [a.copy() for a in arrays]
                moved[k][at] += step
                sides.append((function(*moved) * upstream).sum())
            grad[at] = (sides[0] - sides[1]) / (2 * h)
        out.append(grad)
    return out


def judge(nb, kit, reference, *arrays):
    """Compare an operation of the kit with a function of NumPy: value, shape, kind of float, gradients."""
    for kind in (np.float64, np.float32):
        tensors = [nb.Tensor(a.astype(kind)) for a in arrays]
        result, wanted = kit(*tensors), np.asarray(reference(*[a.astype(kind) for a in arrays]))
        assert type(result) is nb.Tensor and type(result.value) is np.ndarray
        assert result.shape == wanted.shape and result.value.dtype == kind
        np.testing.assert_allclose(result.value, wanted, rtol=1e-13 if kind == np.float64 else 1e-5)
        upstream = draw(wanted.shape, 99, -1, 1)
        result.backward(upstream)
        assert result.grad.dtype == kind
        for tensor, slope in zip(tensors, nudged(reference, arrays, upstream)):
            assert tensor.grad.shape == tensor.shape and tensor.grad.dtype == kind
            np.testing.assert_allclose(tensor.grad, slope, rtol=1e-7 if kind == np.float64 else 1e-3,
                                       atol=1e-8 if kind == np.float64 else 1e-3)
            tensor.grad *= 2  # every gradient is an array of its own, which may be written to
            assert not np.shares_memory(tensor.grad, result.grad) and not np.shares_memory(tensor.grad, tensor.value)


# ---------------------------------------------------------------- arrays: one operation
ELEMENTWISE = {
    "exp": np.vectorize(math.exp), "log": np.vectorize(math.log), "sqrt": np.vectorize(math.sqrt),
    "tanh": np.vectorize(math.tanh), "sigmoid": lambda x: (1 + np.tanh(x / 2)) / 2, "relu": lambda x: (abs(x) + x) / 2,
}
SHAPES = [(), (3,), (2, 1, 3)]


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("shape", SHAPES)
def test_elementwise(nb, name, shape):
    judge(nb, lambda t: getattr(t, name)(), lambda x: ELEMENTWISE[name](x).astype(x.dtype), draw(shape, 1))


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "relu"])
def test_activations_on_both_sides_of_zero(nb, name):
    judge(nb, lambda t: getattr(t, name)(), lambda x: ELEMENTWISE[name](x).astype(x.dtype), np.array([-3, -0.4, 0.3, 5]))


WITH_NUMBERS = [lambda t: 2 * t, lambda t: t * 2, lambda t: 3 - t, lambda t: t - 3, lambda t: 1.5 + t, lambda t: t + 1,
                lambda t: 1 / t, lambda t: t / 4, lambda t: 2**t, lambda t: t**3, lambda t: t**-1.5, lambda t: -t,
                lambda t: abs(t - 1.2), lambda t: t**0]


@pytest.mark.parametrize("build", WITH_NUMBERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_numbers_on_either_side(nb, build, shape):
    judge(nb, build, build, draw(shape, 2))


TWO = [lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b, lambda a, b: a**b]


@pytest.mark.parametrize("build", TWO)
@pytest.mark.parametrize("a, b", [((), ()), ((), (3,)), ((3,), ()), ((2, 3), (3,)), ((2, 1), (1, 3)), ((3,), (2, 1)),
                                  ((0, 3), (3,)), ((0,), (1,))])
def test_two_operands(nb, build, a, b):
    judge(nb, build, build, draw(a, 3), draw(b, 4))


@pytest.mark.parametrize("build", TWO)
@pytest.mark.parametrize("other", [[1.5, 2.0, 0.5], (1, 2, 3), np.array([2, 1, 2]), np.float32(1.5), np.int64(2), True])
def test_lists_and_plain_arrays_on_either_side_are_constants(nb, build, other):
    x = draw((2, 3), 5)
    for left in (False, True):
        t = nb.Tensor(x)
        result, wanted = (build(other, t), build(np.array(other), x)) if left else (build(t, other), build(x, np.array(other)))
        np.testing.assert_allclose(result.value, wanted, rtol=1e-13)
        assert result.operands == (t,) and len(result.pulls) == 1


@pytest.mark.parametrize("a, b", [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)),
                                  ((1, 2, 3), (5, 3, 4)), ((3,), (5, 3, 4)), ((0, 3), (3, 2)), ((2, 0), (0, 3))])
def test_matmul(nb, a, b):
    judge(nb, lambda x, y: x @ y, lambda x, y: x @ y, draw(a, 6), draw(b, 7))


# ---------------------------------------------------------------- arrays: axes
AXES = {(2, 3, 4): [None, 0, 1, -1, -3, (0, 2), (-1, 0), (2, -3), (0, 1, 2), ()], (3,): [None, 0, -1, (-1,)],
        (): [None, 0, -1, ()], (2, 0): [None, 0, 1, -1], (0, 3): [None, 0, -1]}
ON_AXES = [(shape, axis) for shape, axes in AXES.items() for axis in axes]


@pytest.mark.parametrize("name", ["sum", "mean", "max"])
@pytest.mark.parametrize("shape, axis", ON_AXES)
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions(nb, name, shape, axis, keepdims):
    x = draw(shape, 8)
    if shape == () and axis in (0, -1) and name == "mean":  # NumPy allows these for sum and max only
        with pytest.raises(np.exceptions.AxisError):
            nb.Tensor(x).mean(axis)
    elif name == "sum" or x.size:
        judge(nb, lambda t: getattr(t, name)(axis, keepdims=keepdims),
              lambda a: getattr(a, name)(axis, keepdims=keepdims), x)


@pytest.mark.parametrize("name, axis", [("mean", None), ("mean", 0), ("max", None), ("max", 0)])
def test_reductions_of_nothing_are_those_of_numpy(nb, name, axis):
    empty = np.zeros((0, 2))
    if name == "max":
        with pytest.raises(ValueError, match="zero-size"):
            nb.Tensor(empty).max(axis)
    else:
        result = nb.Tensor(empty).mean(axis)  # without NumPy's warning
        assert np.isnan(result.value).all() and result.shape == np.shape(np.zeros((1, 2)).mean(axis))
        result.sum().backward()


@pytest.mark.parametrize("name", ["sum", "mean", "max"])
@pytest.mark.parametrize("axis", [3, -4, (0, 0), (1, -2), 0.5])
def test_bad_axes_are_refused_as_by_numpy(nb, name, axis):
    x = draw((2, 3, 4), 8)
    with pytest.raises((ValueError, TypeError)) as theirs:
        getattr(x, name)(axis)
    with pytest.raises(theirs.type):
        getattr(nb.Tensor(x), name)(axis)


@pytest.mark.parametrize("axes", [(), *itertools.permutations(range(3)), *itertools.permutations((-1, 0, 1)),
                                  *itertools.permutations((-1, -2, -3)), ((2, 0, 1),), ((-1, 0, -2),), ([1, 2, 0],)])
def test_transpose(nb, axes):
    judge(nb, lambda t: t.transpose(*axes), lambda a: a.transpose(*axes), draw((2, 3, 4), 9))


def test_transpose_of_few_axes(nb):
    for shape in ((), (3,), (2, 3), (0, 2)):
        judge(nb, lambda t: t.T, lambda a: a.T, draw(shape, 10))
        judge(nb, lambda t: t.T, lambda a: np.moveaxis(a, range(a.ndim), range(a.ndim)[::-1]), draw(shape, 10))
    t = nb.Tensor([[1.0, 2.0], [3.0, 4.0]])
    t.transpose(-1, 0).backward([[1, 10], [100, 1000]])
    assert t.grad.tolist() == [[1, 100], [10, 1000]]
    for axes in ((0, 0), (0,), (0, 1, 2)):
        with pytest.raises(ValueError):
            t.transpose(*axes)


@pytest.mark.parametrize("shape, new", [((2, 3, 4), (6, 4)), ((2, 3, 4), (-1,)), ((2, 3, 4), ((4, -1),)), ((), (1, 1)),
                                        ((1,), ((),)), ((0, 2), (2, 0))])
def test_reshape(nb, shape, new):
    judge(nb, lambda t: t.reshape(*new), lambda a: a.reshape(*new), draw(shape, 11))


KEYS = [1, -1, (0, -1), (..., 1), slice(None, None, -1), (slice(None), slice(1, None), slice(None, None, 2)), None,
        [0, 1, 1], [-1, -1, 0], (np.array([0, 0]), [1, -2]), np.array([[True, False, True]] * 2), (slice(None), [2, 0]),
        (0, 0, 0), ([], 1), slice(5, 9)]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_index(nb, key):
    judge(nb, lambda t: t[key], lambda a: a[key], draw((2, 3, 4), 12))


def test_index_of_one_number(nb):
    judge(nb, lambda t: t[()], lambda a: a[()], draw((), 12))
    rows = list(nb.Tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert [row.value.tolist() for row in rows] == [[1, 2], [3, 4]] and list(nb.Tensor(np.zeros((0, 2)))) == []
    with pytest.raises(TypeError, match="unsized"):
        list(nb.Tensor(3.0))


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2])
def test_concatenate(nb, axis):
    shapes = [[2, 3, 4] for _ in range(3)]
    for k, shape in enumerate(shapes):
        shape[axis] = k + 1
    arrays = [draw(shape, 13 + k) for k, shape in enumerate(shapes)]
    judge(nb, lambda *ts: nb.concatenate(ts, axis), lambda *xs: np.concatenate(xs, axis), *arrays)
    mixed = nb.concatenate([arrays[0], nb.Tensor(arrays[1]), arrays[2].tolist()], axis)
    np.testing.assert_array_equal(mixed.value, np.concatenate(arrays, axis))
    upstream = draw(mixed.shape, 16)
    mixed.backward(upstream)
    assert len(mixed.operands) == 1
    np.testing.assert_array_equal(mixed.operands[0].grad, np.split(upstream, [1, 3][:2], axis)[1])
    for role in nb._PALETTE:
        joined = nb.concatenate([nb.Tensor([1.0], role), nb.Tensor([2.0], "constant")])
        assert [x.role for x in joined.operands] == [role] * (role != "constant")
    plain = nb.concatenate([np.ones(2), [3, 4]])
    assert plain.value.tolist() == [1, 1, 3, 4] and plain.operands == ()


def test_ties_share(nb):
    for axis, right in ((None, [[0, 0.25], [0.25, 0.5]]), (0, [[0, 0.5], [1, 0.5]]), (-1, [[0, 1], [0.5, 0.5]])):
        t = nb.Tensor([[1.0, 3.0], [3.0, 3.0]])
        t.max(axis).sum().backward()
        wanted = [[0, 1 / 3], [1 / 3, 1 / 3]] if axis is None else right
        np.testing.assert_allclose(t.grad, wanted)


def test_unbroadcast_sums_over_copies(nb):
    for small, large in (((2, 1), (2, 3)), ((3,), (2, 3)), ((), (2, 3)), ((1, 1), (4, 2, 3)), ((2, 3), (2, 3)), ((1,), (0,))):
        gradient = draw(large, 17)
        wide = np.broadcast_to(np.arange(math.prod(small)).reshape(small), large)
        wanted = np.array([gradient[wide == k].sum() for k in range(math.prod(small))]).reshape(small)
        got = nb.unbroadcast(gradient, small)
        assert got.shape == small
        np.testing.assert_allclose(got, wanted)


# ---------------------------------------------------------------- arrays: kinds of numbers
def test_what_becomes_an_array(nb):
    for given, wanted in (([1, 2], [1.0, 2.0]), ([True, False], [1.0, 0.0]), (3, 3.0), ([2**64], [2.0**64]), ([], []),
                          (np.uint8([200]), [200.0]), ((1, 2.5), [1.0, 2.5])):
        value = nb.Tensor(given).value
        assert value.dtype == np.float64 and value.tolist() == wanted
    for kind in (np.float16, np.float32, np.float64):
        assert nb.Tensor(np.ones(2, kind)).value.dtype == kind


def test_half_precision_mean_does_not_overflow(nb):
    t = nb.Tensor(np.full(3000, 60, np.float16))
    t.mean().backward()
    assert t.mean().value == 60 and t.grad.dtype == np.float16
    np.testing.assert_allclose(t.grad, 1 / 3000, rtol=1e-3)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_parameters_keep_their_kind_through_a_step(nb, kind, optimizer):
    w, x = nb.Tensor(np.ones((2, 1), kind), "weight"), np.ones((3, 2), kind)
    step = getattr(nb, optimizer)([w], 0.1)
    for _ in range(2):
        ((nb.Tensor(x) @ w - 1) ** 2).mean().backward()
        step.step()
    assert w.value.dtype == w.grad.dtype == kind and not (w.value == 1).any()


def test_mixed_kinds_follow_numpy_and_each_gradient_keeps_its_own(nb):
    a, b = nb.Tensor(np.ones(2, np.float32)), nb.Tensor(np.ones(2))
    product = a * b
    product.sum().backward()
    assert (product.value.dtype, a.grad.dtype, b.grad.dtype) == (np.float64, np.float32, np.float64)


def test_second_names(nb):
    for thing in (nb.Tensor([2.0]), nb.Node(2)):
        thing._grad = 7
        assert thing._value is thing.value and thing.grad == 7


def test_gradients_are_not_shared(nb):
    a, b = nb.Tensor([1.0, 2.0]), nb.Tensor([3.0, 4.0])
    (a + b).reshape(2, 1).sum().backward()
    a.grad *= 0.5
    assert a.grad.tolist() == [0.5, 0.5] and b.grad.tolist() == [1, 1]
    start = np.ones(2)
    a.backward(start)
    a.grad *= 3
    assert start.tolist() == [1, 1]


# ---------------------------------------------------------------- losses and layers of arrays
def softmax_reference(z, labels):
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    return -np.log(p[np.arange(len(z)), labels]).mean(keepdims=False)


@pytest.mark.parametrize("labels", [[0, 2, 1, 1], (0, 2, 1, 1), np.array([0, 2, 1, 1]), np.array([0.0, 2, 1, 1]),
                                    np.array([0, 2, 1, 1], np.uint8), [np.int64(0), 2, 1, True]])
def test_cross_entropy_of_many_classes(nb, labels):
    judge(nb, lambda t: nb.cross_entropy(t, labels), lambda z: softmax_reference(z, [0, 2, 1, 1]), draw((4, 3), 20, -3, 3))


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
@pytest.mark.parametrize("kind", [int, float, np.int8])
def test_losses_of_two_classes(nb, shape, kind):
    signs = np.array([1, -1, -1, 1])

    def surprise(z):
        p = (1 / (1 + np.exp(-z))).ravel()
        return -np.where(signs > 0, np.log(p), np.log(1 - p)).mean()

    def hinge(z):
        return np.maximum(0, 1 - signs * z.ravel()).mean()
    for name, reference in (("cross_entropy", surprise), ("hinge_loss", hinge)):
        for labels in (signs.astype(kind), signs.astype(kind).reshape(shape), signs.astype(kind).tolist()):
            judge(nb, lambda t: getattr(nb, name)(t, labels), reference, draw(shape, 21, -3, 3))


@pytest.mark.parametrize("shape", [(4,), (4, 1), (2, 2)])
def test_squared_loss_of_arrays(nb, shape):
    targets = draw((4,), 27)
    for given in (targets, targets.tolist(), targets.reshape(shape)):
        judge(nb, lambda t: nb.squared_loss(t, given), lambda z: ((z - targets.reshape(shape))**2).mean().astype(z.dtype),
              draw(shape, 28, -3, 3))


def test_cross_entropy_is_stable(nb):
    for z in ([[1000.0, 0, -1000]], [[-1000.0, -1000, -1000]], [[3.0, 1, 2]]):
        t = nb.Tensor(z)
        loss = nb.cross_entropy(t, [1])
        loss.backward()
        p = t.grad + [[0, 1, 0]]
        assert p.sum() == pytest.approx(1, abs=1e-15) and np.isfinite(p).all() and math.isfinite(loss.value)
    np.testing.assert_allclose(p, np.exp(z) / np.exp(z).sum())
    for s, y, wanted in ((-800.0, 1, -1), (800.0, 1, 0), (40.0, 1, -math.exp(-40)), (800.0, -1, 1), (-40.0, -1, math.exp(-40))):
        for shape in ((1,), (1, 1)):
            t = nb.Tensor(np.full(shape, s))
            loss = nb.cross_entropy(t, [y])
            loss.backward()
            assert t.grad.item() == pytest.approx(wanted, rel=1e-14)
            assert loss.value == pytest.approx(max(0, -y * s) + math.log1p(math.exp(-abs(s))), rel=1e-14)


def test_penalty_of_arrays(nb):
    a, b = draw((2, 3), 22), draw((3,), 23)
    judge(nb, lambda s, t: sum((p * p).sum() for p in (s, t)), lambda x, y: (x**2).sum() + (y**2).sum(), a, b)


def test_dense_is_linear_layers_with_relu_between_them(nb):
    sizes, x = [3, 5, 4, 2], draw((6, 3), 24, -2, 2)
    model, rng = nb.dense(sizes, np.random.default_rng(5)), np.random.default_rng(5)
    values = x
    parameters = model.parameters()
    assert [p.shape for p in parameters] == [(3, 5), (5,), (5, 4), (4,), (4, 2), (2,)]
    assert [layer.activation for layer in model.layers] == ["relu", "relu", "linear"]
    for k, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        weight, bias = parameters[2 * k:2 * k + 2]
        assert (weight.role, bias.role) == ("weight", "bias") and not bias.value.any()
        np.testing.assert_array_equal(weight.value, rng.normal(0, math.sqrt(2 / inputs), (inputs, outputs)))
        bias.value = draw(outputs, 25 + k, -1, 1)
        values = (np.maximum(values, 0) if k else values) @ weight.value + bias.value
    np.testing.assert_allclose(model(x).value, values, rtol=1e-13)


def test_weights_start_at_the_scale_of_he(nb):
    weight = nb.Dense(50, 400, "relu", np.random.default_rng(0)).weight.value
    assert abs(weight.mean()) < 0.005 and weight.std() == pytest.approx(0.2, rel=0.02)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("last", ACTIVATIONS)
def test_as_arrays_takes_over_every_activation_and_bias(nb, activation, last):
    model = nb.MLP(2, [3, 4, 2], activation, last, rng=random.Random(3))
    draw_bias = random.Random(4)
    for layer in model.layers:
        for neuron in layer.neurons:
            neuron.bias.value = draw_bias.uniform(-1, 1)
    values = points = draw((5, 2), 30, -2, 2)
    for layer, bend in zip(model.layers, [activation, activation, last]):
        weights = np.array([[w.value for w in neuron.weights] for neuron in layer.neurons])
        values = ACTIVATIONS[bend](values @ weights.T + [neuron.bias.value for neuron in layer.neurons])
    large = nb.as_arrays(model)
    np.testing.assert_allclose(large(points).value, values, rtol=1e-12)
    np.testing.assert_allclose(model.scores(points.tolist()), values, rtol=1e-12)
    np.testing.assert_allclose([[n.value for n in model(p)] for p in points.tolist()], values, rtol=1e-12)
    assert [p.role for p in large.parameters()] == ["weight", "bias"] * 3


# ---------------------------------------------------------------- numbers
def test_many_operands_from_anything_that_can_be_gone_through(nb):
    w, x = [nb.Node(2), nb.Node(3)], [nb.Node(5), nb.Node(7)]
    for weights, inputs, bias in ((w, x, nb.Node(1)), (iter(w), (v for v in x), 1), (tuple(w), [5, 7], nb.Node(1)),
                                  (w, np.array([5, 7]), 1.0), (np.array([2.0, 3.0]), x, nb.Node(1)), (w, [x[0], 7], 1)):
        root = nb.weighted_sum(weights, inputs, bias)
        assert root.value == 2 * 5 + 3 * 7 + 1
        root.backward()
        for node in root.operands:
            pairs = {2: 5, 3: 7, 5: 2, 7: 3, 1: 1}
            assert node.grad == pairs[node.value]
    assert nb.weighted_sum([], []).value == 0 and nb.weighted_sum([], [], nb.Node(4)).value == 4
    for things in (w, iter(w), (v for v in w), [w[0], 3], np.array([2, 3]), [np.float32(2), w[1]]):
        assert nb.total(things).value == 5
    assert nb._mean([nb.Node(1), nb.Node(2), nb.Node(6)]).value == pytest.approx(3)


@pytest.mark.parametrize("build, value", [
    (lambda x: x + 2, 5), (lambda x: 2 - x, -1), (lambda x: x - 2, 1), (lambda x: 7 // x, 2), (lambda x: x // 2, 1),
    (lambda x: 2 * x, 6), (lambda x: 6 / x, 2), (lambda x: x / 6, 0.5), (lambda x: 2**x, 8), (lambda x: x**2, 9),
    (lambda x: -x, -3), (lambda x: abs(-x), 3), (lambda x: (x * 0.9).floor(), 2), (lambda x: x + 10**400, 3 + 10**400),
    (lambda x: nb_log_sum_exp(x), 3 + math.log(2))])
def test_values_of_operations_with_numbers(nb, build, value):
    global nb_log_sum_exp
    nb_log_sum_exp = lambda x: nb.lift(nb.log_sum_exp)(x, 3)
    assert build(nb.Node(3)).value == pytest.approx(value) if value < 1e300 else build(nb.Node(3)).value == value


def test_the_losses_of_numbers_take_labels_from_arrays_too(nb):
    scores, labels = [0.3, -2.0, 1.5], np.array([1, -1, -1])
    for name in ("squared_loss", "hinge_loss", "cross_entropy"):
        loss = getattr(nb, name)
        plain, arrays = loss([nb.Node(s) for s in scores], labels.tolist()), loss([nb.Node(s) for s in scores], labels)
        assert type(arrays.value) is float and arrays.value == plain.value
    rows = [[nb.Node(1), nb.Node(2)]]
    assert nb.cross_entropy(rows, np.array([True])).value == pytest.approx(math.log(1 + math.exp(-1)))


# ---------------------------------------------------------------- a GIF alone
@pytest.mark.parametrize("forward", [False, True])
def test_gif_alone(nb, tmp_path, monkeypatch, forward):
    shown = []
    monkeypatch.setattr(nb, "display", lambda *things, **how: shown.extend(things))
    a, w = nb.Node(3, "input"), nb.Tensor([[1.0, 2.0]], "weight")
    for k, (root, leaf, grad) in enumerate(((a * a + a, a, 7), ((w * w).sum(), w, [[2, 4]]))):
        path = tmp_path / f"{k}.gif"
        saved = root.backward(gif=path, forward=forward)
        assert type(saved) is nb._SavedGif and saved.path == path and path.read_bytes()[:6] == b"GIF89a"
        assert root.backward(gif=path, forward=forward).frames == saved.frames
        still = root.backward(gif=path, forward=forward, smooth=False, animation_delay=0.9)
        assert still.frames == 4 + 3 * forward and np.all(leaf.grad == grad) and shown == []
        assert still.seconds == pytest.approx(1.2 + 0.9 * (still.frames - 2) + 3.6)
        assert saved.frames == still.frames + 5 * (2 + 2 * forward)


# ---------------------------------------------------------------- what is left out
def test_what_is_left_out_of_a_call_on_arrays(nb):
    t = nb.Tensor([[1.0, 5.0], [3.0, 2.0]])
    for name in ("sum", "mean", "max"):
        method = getattr(t, name)
        assert method().shape == () and method(1).shape == (2,) and method(keepdims=True).shape == (1, 1)
        assert method().value == getattr(t.value, name)()
    t.backward(gradient=np.full((2, 2), 3.0))
    assert (t.grad == 3).all()
    joined = nb.concatenate([t, t])
    assert joined.shape == (4, 2)
    with pytest.raises(ValueError, match=r"shape \(0,\) has no single gradient"):
        nb.Tensor([]).backward()
    with pytest.raises(TypeError):
        t.sum().backward(1, True)
    x = nb.Node(2)
    x.backward(gradient=3)
    assert x.grad == 3
    with pytest.raises(TypeError):
        x.backward(1, True)
