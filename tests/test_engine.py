"""The engine: every rule, thousands of random graphs, depth, cost, interrupts, bad input."""
import gc
import math
import random
import sys

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference import BINARY, UNARY, compute, disagreements, examples

OPERATIONS = [*UNARY, *BINARY, "*", "*", "+", "weighted sum", "sum"]
NUMBERS = [-2.5, -1, 0.5, 2, 3]
STEPS = st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 5), st.integers(0, 5),
                           st.none() | st.sampled_from(NUMBERS)), min_size=1, max_size=12)
LEAVES = st.lists(st.floats(-3, 3).filter(lambda x: abs(x) > 1e-3), min_size=1, max_size=3)


def agrees(nb, leaves, steps, seed):
    wrong = disagreements(nb, leaves, steps, seed)
    assume(wrong is not None)
    assert not wrong


SEEDS = st.sampled_from([1, -0.75, 3])
test_every_gradient_of_random_graphs = settings(max_examples=examples(500), deadline=None)(
    given(leaves=LEAVES, steps=STEPS, seed=SEEDS)(agrees))


@pytest.mark.slow
@settings(max_examples=examples(2500), deadline=None)
@given(LEAVES, STEPS, SEEDS)
def test_every_gradient_of_many_random_graphs(nb, leaves, steps, seed):
    agrees(nb, leaves, steps, seed)


@settings(max_examples=examples(500), deadline=None)
@given(LEAVES, STEPS)
def test_a_second_backward_gives_the_same(nb, leaves, steps):
    def twice(node):
        node.backward(7)
        node.backward()
    assert not disagreements(nb, leaves, steps, 1, twice, well_conditioned=False)


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("x", [-1.3, 0.4, 2.2])
def test_rule_against_reference_and_central_difference(nb, name, x):
    value, derive = UNARY[name]
    if name in ("log", "sqrt"):
        x = abs(x)
    rule = {"neg": nb.neg, "abs": nb.absolute}.get(name) or getattr(nb, name)
    got, (slope,) = rule(x)
    assert got == pytest.approx(value(x), rel=1e-14)
    assert slope == pytest.approx(derive(x), rel=1e-14, abs=1e-16)
    assert slope == pytest.approx((value(x + 1e-6) - value(x - 1e-6)) / 2e-6, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("a, b", [(2.3, 1.7), (0.4, -2.6), (3.1, 0.6)])
def test_binary_rule_against_reference_and_central_difference(nb, name, a, b):
    value, derive = BINARY[name]
    rule = {"+": nb.add, "-": nb.sub, "*": nb.mul, "/": nb.div, "//": nb.floordiv, "**": nb.power}[name]
    got, slopes = rule(a, b)
    assert got == value(a, b)
    assert slopes == pytest.approx(derive(a, b), rel=1e-13)
    h = 1e-6
    nudged = ((value(a + h, b) - value(a - h, b)) / (2 * h), (value(a, b + h) - value(a, b - h)) / (2 * h))
    assert slopes == pytest.approx(nudged, rel=1e-7, abs=1e-9)


def grads(nb, build, *values):
    """Return (value, gradients) of `build` applied to Nodes of `values`."""
    nodes = [nb.Node(v) for v in values]
    root = build(*nodes)
    root.backward()
    return root.value, [n.grad for n in nodes]


def shared(order):
    def build(a):
        b = 2 * a
        c = b + 1
        return b * c if order else c * b
    return build


KNOWN = [
    (lambda a, b, c: a * b + c, (2, -3, 10), 4, (-3, 2, 1)),
    (lambda a, b, c, f: (a * b + c) * f, (2, -3, 10, -2), -8, (6, -4, -2, 4)),
    (shared(True), (3,), 42, (26,)), (shared(False), (3,), 42, (26,)),
    (lambda a: (a + a) + (a + a), (1,), 4, (4,)),
    (lambda a, b: (a + b) ** 2 + (a + b), (1, 2), 12, (7, 7)),
    (lambda a, b: a ** b, (2, 3), 8, (12, 5.545177444479562)),
    (lambda a, b: a / b, (6, 3), 2, (1 / 3, -2 / 3)),
    (lambda a: a - 5, (2,), -3, (1,)), (lambda a: 5 - a, (2,), 3, (-1,)),
    (lambda a: a ** 2, (3,), 9, (6,)), (lambda a: a ** .5, (4,), 2, (.25,)),
    (lambda a: a ** -1, (2,), .5, (-.25,)), (lambda a: 1 / a, (2,), .5, (-.25,)),
    (lambda a: 2 ** a, (3,), 8, (8 * math.log(2),)), (lambda a: a ** 2, (-3,), 9, (-6,)),
    (lambda a: 3 * a.tanh(), (0.88,), 3 * math.tanh(.88), (3 / math.cosh(.88) ** 2,)),
    (lambda a: a // 2 + a, (7,), 10, (1,)), (lambda a: a.floor() * a, (2.5,), 5, (2,)),
]


@pytest.mark.parametrize("build, values, value, gradients", KNOWN)
def test_known_answers(nb, build, values, value, gradients):
    assert grads(nb, build, *values) == (pytest.approx(value), pytest.approx(gradients))


def test_neuron_prints_integers(nb):
    x1, x2, w1, w2, b = (nb.Node(v) for v in (0.5, -0.5, 2, 3, 4))
    (x1 * w1 + x2 * w2 + b).relu().backward()
    assert f"{w1._grad}, {w2._grad}, {b._grad}" == "0.5, -0.5, 1"
    w1._grad = 5
    assert w1.grad == 5 and w1._value is w1.value


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "relu", "sin", "cos"])
@pytest.mark.parametrize("x", [-1000, -1000.0, 0, 1000])
def test_stable_at_extremes(nb, name, x):
    value, (gradient,) = grads(nb, lambda n: getattr(n, name)(), x)
    assert math.isfinite(value) and math.isfinite(gradient)


def test_slopes_keep_their_digits_far_out(nb):
    assert nb.tanh(20)[1][0] == pytest.approx(4 * math.exp(-40), rel=1e-14)
    assert nb.sigmoid(40)[1][0] == pytest.approx(math.exp(-40), rel=1e-14)
    assert nb.sigmoid(-700)[0] == pytest.approx(math.exp(-700), rel=1e-14)


def test_kinks_and_edges(nb):
    assert nb.relu(0) == nb.absolute(0) == (0, (0,))
    assert nb.power(0, 0)[1] == (0, 0) and nb.power(0, 1)[1] == (1, 0)
    assert nb.power(0, 0.5)[1][0] == nb.sqrt(0)[1][0] == math.inf
    assert math.isnan(nb.power(-2, 2)[1][1]) and nb.power(-2, 2)[1][0] == -4
    assert math.isnan(nb.relu(math.nan)[0])


@pytest.mark.parametrize("make, error, words", [
    (lambda N: N("3"), TypeError, "str"), (lambda N: N(None), TypeError, "NoneType"),
    (lambda N: N(1j), TypeError, "complex"), (lambda N: N(1) + "a", TypeError, "str"),
    (lambda N: [1] * N(1), TypeError, "list"), (lambda N: N(1) * N, TypeError, "type"),
    (lambda N: N(1, "wieght"), ValueError, "weight"), (lambda N: N(1) / 0, ZeroDivisionError, "1 ÷ 0"),
    (lambda N: N(1) / N(0), ZeroDivisionError, "1 ÷ 0"), (lambda N: N(0).log(), ValueError, "log of 0: a logarithm needs"),
    (lambda N: N(-8) ** (1 / 3), ValueError, "negative base"), (lambda N: N(-1).sqrt(), ValueError, "sqrt"),
    (lambda N: N(-8) ** N(0.5), ValueError, "negative base"), (lambda N: N(1000).exp(), OverflowError, "exp"),
    (lambda N: N(0) ** -1, ZeroDivisionError, "cannot be raised"), (lambda N: N(1).backward("x"), TypeError, "str"),
    (lambda N: N(1).backward(animate=True, accumulate=True), ValueError, "accumulate"),
])
def test_errors_say_what_came(nb, make, error, words):
    with pytest.raises(error, match=words):
        make(nb.Node)


def test_numbers_of_numpy_are_numbers(nb):
    x = nb.Node(np.float64(0.5))
    y = np.float64(3) * x + np.int64(2) - np.float32(0.5) / x
    assert isinstance(y, nb.Node) and type(y.value) is float and type(x.value) is float
    y.backward()
    assert x.grad == 3 + 0.5 / 0.25
    with pytest.raises(TypeError, match="ndarray"):
        x * np.ones(2)


def test_numbers_become_constants_and_the_rule_is_kept(nb):
    x = nb.Node(2)
    for y, rule, values in ((x * 2, nb.mul, (2, 2)), (5 - x, nb.sub, (5, 2)), (2 ** x, nb.power, (2, 2)), (-x, nb.neg, (2,)),
                            (x // 0.5, nb.floordiv, (2, 0.5)), (7 // x, nb.floordiv, (7, 2)), (x.tanh(), nb.tanh, (2,))):
        assert y.rule is rule and tuple(o.value for o in y.operands) == values and y.role == "operation"
        assert all(o is x or (o.role, o.rule, o.name, o.operands, o.slopes) == ("constant", None, "", (), ()) for o in y.operands)
    assert (x + x).operands == (x, x)
    assert [o.value for o in nb.weighted_sum([x, 3], [1.5, x], 1).operands] == [2, 3, 1.5, 2, 1]
    assert nb.total([]).value == 0


def test_pythons_sum_starts_clean(nb):
    a, b = nb.Node(2), nb.Node(3)
    assert 0 + a is a and sum([a]) is a and 0.0 + a is a
    assert sum([a, b]).operands == (a, b) and (1 + a).operands[1] is a and (a + 0).operands[0] is a


@pytest.mark.parametrize("ask", [
    lambda a, b: math.tanh(a), lambda a, b: np.exp(a), lambda a, b: max(a, b), lambda a, b: 1 if a < b else 0, lambda a, b: a >= 1,
    lambda a, b: int(a), lambda a, b: float(a), lambda a, b: np.maximum(a, 0), lambda a, b: sorted([a, b]), lambda a, b: math.floor(a)])
def test_functions_that_would_lose_the_graph_say_what_to_write(nb, ask):
    with pytest.raises(TypeError, match=r"write node\.tanh\(\).*node\.value"):
        ask(nb.Node(2), nb.Node(3))


@settings(max_examples=examples(300), deadline=None)
@given(LEAVES, STEPS, st.integers(0, 9))
def test_a_graph_run_again_equals_a_new_one(nb, leaves, steps, seed):
    changed = [x * random.Random(seed + k).uniform(0.9, 1.1) for k, x in enumerate(leaves)]
    old, new = compute(nb, leaves, steps)[0], compute(nb, changed, steps)[0]
    assume([node.rule for node in old] == [node.rule for node in new])  # no other operation was chosen on the way
    for node, x in zip(old, changed):
        node.value = x
    for node in nb.graph_of(old[-1]):
        if node.rule:
            nb.compute(node)
    old[-1].backward()
    new[-1].backward()
    for a, b in zip(nb.graph_of(old[-1]), nb.graph_of(new[-1]), strict=True):
        assert (a.rule, a.value, a.slopes, a.grad) == (b.rule, b.value, b.slopes, b.grad)


def test_the_quick_way_of_an_operation_is_the_plain_way(nb):
    class Kind(nb.Node):
        """A kind of Node."""
    many = lambda *values: (sum(values), (1,) * len(values))
    cases = [(rule, [*operands][:count]) for rule, count in ((nb.tanh, 1), (nb.mul, 2), (many, 2)) for operands in (
        (nb.Node(2), nb.Node(3)), (nb.Node(2), 3.5), (2, nb.Node(3)), (2, 3), (nb.Node(2), np.float64(3)), (Kind(2), nb.Node(5)))]
    for rule, operands in [*cases, (many, [nb.Node(k) for k in range(5)]), (many, [])]:
        made = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(nb, "_unrolled", lambda rule, operation: made.append(operation) or operation)
            plain = nb.lift(rule)
        assert made == [plain]
        a, b = nb.lift(rule)(*operands), plain(*operands)
        for slot in ("value", "slopes", "grad", "role", "name"):
            assert getattr(a, slot) == getattr(b, slot) and type(getattr(a, slot)) is type(getattr(b, slot))
        for x, y in zip(a.operands, b.operands, strict=True):
            assert x is y or [getattr(x, s) for s in ("value", "role", "name", "grad", "rule", "operands", "slopes")] == [
                getattr(y, s) for s in ("value", "role", "name", "grad", "rule", "operands", "slopes")]
    with pytest.raises(ValueError, match="as many weights as inputs, please: got 1 weights and 2 inputs"):
        nb.weighted_sum([x], [1, 2])


def test_gradient_is_none_before_and_accumulates_on_leaves_only(nb):
    a = nb.Node(3)
    b = 2 * a
    c = b ** 2
    assert a.grad is b.grad is c.grad is None
    c.backward(accumulate=True)
    c.backward(accumulate=True)
    assert (a.grad, b.grad, c.grad) == (48, 12, 1)
    c.backward()
    assert (a.grad, b.grad, c.grad) == (24, 12, 1)
    a.backward(2)
    assert a.grad == 2
    a.backward(accumulate=True)
    assert a.grad == 3
    a.backward()
    c.backward(2, accumulate=True)
    assert (a.grad, c.grad) == (1 + 48, 2)


@pytest.mark.slow
def test_deep_chain_and_the_limit_is_put_back(nb):
    limit = sys.getrecursionlimit()
    first = x = nb.Node(1.0)
    for _ in range(200_000):  # a million deep goes the notebook itself
        x = x + 1
    x.backward()
    assert first.grad == 1 and sys.getrecursionlimit() == limit


class Stopper(float):
    """A slope that interrupts the pass when it is multiplied for the k-th time."""
    left = 0

    def __mul__(self, other):
        Stopper.left -= 1
        if Stopper.left == 0:
            raise KeyboardInterrupt
        return float(self) * other


@pytest.mark.parametrize("at", range(1, 7))
def test_interrupt_leaves_nothing_behind(nb, at):
    a = nb.Node(3.0)
    b = 2 * a
    c = b + 1
    d = c * b
    root = d * c + b
    for node in (b, c, d, root):
        node.slopes = tuple(map(Stopper, node.slopes))
    root.backward()
    right = [n.grad for n in (a, b, c, d)]
    limit = sys.getrecursionlimit()
    Stopper.left = at
    with pytest.raises(KeyboardInterrupt):
        root.backward()
    assert sys.getrecursionlimit() == limit
    (d * 1).backward()
    assert [n.grad for n in (a, b, c)] == [26, 13, 6]
    root.backward()
    assert [n.grad for n in (a, b, c, d)] == right


def visits(nb, root):
    """Return how often `_send` and `_count` run in one backward pass of `root`."""
    seen = {"_send": 0, "_count": 0}

    def profile(frame, event, _):
        if event == "call" and frame.f_code.co_name in seen:
            seen[frame.f_code.co_name] += 1
    sys.setprofile(profile)
    try:
        root.backward()
    finally:
        sys.setprofile(None)
    return seen


@pytest.mark.parametrize("levels", [10, 100, 1000])
def test_cost_is_linear_on_diamonds(nb, levels):
    y = nb.Node(1.0)
    for _ in range(levels):
        y = y * 0.3 + y.tanh()
    assert visits(nb, y) == {"_send": 3 * levels, "_count": 3 * levels}


def test_a_graph_leaves_no_cyclic_garbage(nb):
    def graph():
        y = nb.Node(0.3)
        for _ in range(50):
            y = nb.weighted_sum([y, y], [y, 2.0], y * 2).tanh()
        y.backward()
    def alive():
        return sum(type(x) is nb.Node for x in gc.get_objects())
    gc.collect()
    gc.disable()
    try:
        before = alive()
        graph()
        assert alive() == before
    finally:
        gc.enable()


def battery(nb):
    """Raise if the engine `nb` is wrong somewhere: known answers, then random graphs."""
    for build, values, value, gradients in KNOWN:
        assert grads(nb, build, *values) == (pytest.approx(value), pytest.approx(gradients))
    for data in ([2, 3.0], [nb.Node(2), 3.0]):
        a, b = nb.Node(1), nb.Node(2)
        root = nb.weighted_sum([a, b], data, a) * 1
        root.backward()
        assert (root.value, a.grad, b.grad) == (9, 3, 3)
    draw = random.Random(5)
    for _ in range(150):
        steps = [(draw.choice(OPERATIONS), draw.randrange(6), draw.randrange(6),
                  draw.choice([None, None, *NUMBERS])) for _ in range(draw.randrange(1, 12))]
        leaves = [draw.choice((-1, 1)) * draw.uniform(0.2, 3) for _ in range(draw.randrange(1, 4))]

        def twice(node):
            node.backward(7)
            node.backward(-0.75)
        assert not disagreements(nb, leaves, steps, -0.75, twice, well_conditioned=False)


def test_the_battery_passes_on_the_engine_itself(nb):
    battery(nb)


MUTATIONS = {
    "= for +=": ("node-class", "operand.grad += slope * self.grad", "operand.grad = slope * self.grad"),
    "upstream forgotten": ("node-class", "operand.grad += slope * self.grad", "operand.grad += slope"),
    "slope forgotten": ("node-class", "operand.grad += slope * self.grad", "operand.grad += self.grad"),
    "goes on at the first report": ("node-class", "if not operand.waiting:", "if True:"),
    "stale gradients": ("node-class", "operand.grad = operand.waiting = 0", "operand.grad, operand.waiting = operand.grad or 0, 0"),
    "leaves accumulate unasked": ("node-class", "elif not accumulate or", "elif accumulate or"),
    "counts a shared node once": ("node-class", "operand.waiting += 1", "operand.waiting += 0"),
    "given gradient ignored": ("node-class", "_run_deep(self._pass, self._start(gradient)", "_run_deep(self._pass, 1"),
    "sign of −": ("node-rules-arithmetic", "a - b,  (1, -1)", "a - b,  (1, 1)"),
    "number on the left swapped": ("room-tools", "operation(left, right)", "operation(right, left)"),
    "0 + x for every number": ("node-class", " and left == 0", ""),
    "constants forgotten": ("room-tools", "node.operands = a, b", "node.operands = a, a"),
    "partners of × not swapped": ("node-rules-arithmetic", "a * b,  (b, a)", "a * b,  (a, b)"),
    "÷ without the square": ("node-rules-arithmetic", "-a / b / b", "-a / b"),
    "power keeps its exponent": ("node-rules-exp", "b * a ** (b - 1)", "b * a ** b"),
    "exponent's logarithm": ("node-rules-exp", "value * math.log(a)", "math.log(a)"),
    "slope of exp": ("node-rules-exp", "(e,)", "(1,)"),
    "sign of cos": ("node-rules-exp", "(-math.sin(x),)", "(math.sin(x),)"),
    "tanh's 2": ("node-rules-exp", "math.exp(-2 * abs(x))", "math.exp(-abs(x))"),
    "relu passes everything": ("node-rules-exp", "(0, (0,)) if x <= 0", "(0, (1,)) if x <= 0"),
    "n-ary slope dropped": ("learn-sums", "x + w + (1,)", "x + w + (0,)"),
    "n-ary partners": ("learn-sums", "x + w + (1,)", "w + x + (1,)"),
    "sum forgets one": ("watch-total", "(1,) * len(values)", "(1,) * (len(values) - 1) + (0,)"),
}


@pytest.mark.faults
@pytest.mark.parametrize("fault", MUTATIONS)
def test_a_deliberate_fault_is_caught(fault):
    from cells import load
    cell, old, new = MUTATIONS[fault]
    broken = load(f"broken_{sorted(MUTATIONS).index(fault)}", replace={cell: (old, new)})
    with pytest.raises((AssertionError, ArithmeticError, RecursionError)):
        battery(broken)
