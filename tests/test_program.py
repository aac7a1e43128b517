"""The writer: a recorded graph as one Python function, equal to the engine on any graph, rule, name, number and row."""
import functools
import inspect
import itertools
import linecache
import math
import random
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from cells import load
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import compute, examples
from test_engine import OPERATIONS

CELL = "room-write"
SHARED = """\
def run(values, rows):
    a, = values
    total = grad_a = 0
    for _ in rows:
        b = 2 * a
        c = b + 1
        L = b * c
        total += L
        grad_b = grad_c = 0
        grad_L = 1
        grad_b += grad_L * c
        grad_c += grad_L * b
        grad_b += grad_c
        grad_a += grad_b * 2
    return total, [grad_a]"""


def by_engine(nb, root, data, weights, values, rows):
    """Return the engine's (sum of values, gradients), and for each gradient the sum of its terms' sizes."""
    order, total = nb.graph_of(root), 0
    grads, sizes = [0] * len(weights), [0] * len(weights)
    for row in rows:
        for x, value in zip([*weights, *data], [*values, *row], strict=True):
            x.value, x.grad = value, 0
        for x in order:
            if x.rule:
                nb.compute(x)
        root.backward()
        size = Counter({root: 1})
        for x in reversed(order):
            for y, slope in zip(x.operands, x.slopes):
                size[y] += abs(slope) * size[x]
        total += root.value
        grads = [g + w.grad for g, w in zip(grads, weights)]
        sizes = [s + size[w] for s, w in zip(sizes, weights)]
    return total, grads, sizes


def agree(nb, root, data=(), weights=(), values=None, rows=None):
    """Write the program; it says what the engine says, on these rows or on the leaves' own values."""
    run = nb.program(root, data, weights)
    values = [w.value for w in weights] if values is None else values
    rows = [[x.value for x in data]] if rows is None else rows
    right, grads, sizes = by_engine(nb, root, data, weights, values, rows)
    total, got = run(values, rows)
    assert total == pytest.approx(right, rel=1e-12, abs=1e-14, nan_ok=True)
    assert len(got) == len(grads)
    for g, r, size in zip(got, grads, sizes):
        assert g == pytest.approx(r, rel=1e-12, abs=1e-14 + 1e-12 * size, nan_ok=True), run.source
    return run


def readable(text, name="rule", **known):
    """Return a function defined by `text`, whose source can be read, as in a cell."""
    file = f"<rule {len(linecache.cache)}>"
    linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
    space = {"math": math, **known}
    exec(compile(text, file, "exec"), space)
    return space[name]


def one_row(nb, rule, *values, then=lambda y: y):
    """Return (program, leaves) of a rule of weights, after it was compared."""
    leaves = [nb.Node(v, "weight") if not isinstance(v, nb.Node) else v for v in values]
    return agree(nb, then(nb.lift(rule)(*leaves)), [], [x for x in leaves if x.role == "weight"])


# ---------------------------------------------------------------- random graphs
def random_graph(nb, rng, length=10):
    """Return the nodes of a random computation on three leaves."""
    steps = [(rng.choice(OPERATIONS), rng.randrange(6), rng.randrange(6), rng.choice([None, -2.5, -1, 0.5, 2, 3]))
             for _ in range(length)]
    return compute(nb, [rng.uniform(-3, 3) or 1 for _ in range(3)], steps)[0]


def on_changed_rows(nb, nodes, leaves, seed):
    """Compare on three rows in which the first leaf moves; the others are weights, new values for them too."""
    rng, (x, *weights) = random.Random(seed), nodes[:leaves]
    values = [w.value * rng.uniform(0.9, 1.1) for w in weights]
    rows = [[x.value * k] for k in (1, rng.uniform(0.9, 1.1), 1)]
    try:
        by_engine(nb, nodes[-1], [x], weights, values, rows)
    except (ArithmeticError, ValueError):
        return False
    agree(nb, nodes[-1], [x], weights, values, rows)
    return True


def random_graphs_agree(nb, seeds):
    """Compare the graphs of the seeds, of which hardly any may have no value on the changed rows."""
    compared = [on_changed_rows(nb, random_graph(nb, random.Random(seed)), 3, seed) for seed in seeds]
    assert sum(compared) > 0.8 * len(compared)


def test_random_graphs(nb):
    random_graphs_agree(nb, range(examples(60)))


@pytest.mark.slow
def test_many_random_graphs(nb):
    random_graphs_agree(nb, range(1000, 1000 + examples(300)))


def test_every_node_of_a_graph_can_be_the_root(nb):
    nodes = random_graph(nb, random.Random(4), 30)
    for root in nodes:
        agree(nb, root, [], nodes[:3])


# ---------------------------------------------------------------- the text
def test_the_running_example_is_ten_short_lines(nb, shared):
    a, = (x for x in nb.graph_of(shared) if x.name == "a")
    run = nb.program(shared, [], [a])
    assert run.source == repr(run) == SHARED and run([3], [[]]) == (42, [26]) and run([3], [[]] * 3) == (126, [78])
    body = SHARED.splitlines()[4:-1]
    assert len(body) == 10 and max(map(len, body)) < 32
    assert nb.program(shared, [a]).source == SHARED.replace("    a, = values\n", "").replace(" = grad_a", "").replace(
        "for _ in", "for a, in").split("        grad_b")[0] + "    return total, []"


def test_sums_are_written_out_and_constants_are_folded_in(nb):
    w, x = [nb.Node(k, "weight", f"w{k}") for k in (1, 2)], [nb.Node(k, "input", f"x{k}") for k in (1, 2)]
    text = nb.program(nb.weighted_sum(w, x, -0.5), x, w).source
    assert "v6 = (-0.5) + w1 * x1 + w2 * x2\n" not in text
    assert "= (-0.5) + w1 * x1 + w2 * x2\n" in text and "grad_w1 += " in text and " * x1\n" in text
    text = nb.program(nb.total([*w, 3, w[0]]) * -2, [], w).source
    assert " = w1 + w2 + 3 + w1\n" in text and text.count("grad_w1 += ") == 2 and " * (-2)\n" in text
    assert "slopes" not in text and "sum" not in text


@pytest.mark.parametrize("rule, line", [
    ("sin", "math.sin(a)"), ("exp", "(e_y := math.exp(a))"), ("relu", "0.0 if a <= 0 else a"),
    ("sigmoid", "sigmoid(a)"), ("absolute", "abs(a)"), ("floor", "math.floor(a)"), ("neg", "-a")])
def test_rules_of_one_line_are_copied_and_longer_ones_called(nb, rule, line):
    a = nb.Node(0.7, "weight", "a")
    y = nb.lift(getattr(nb, rule))(a)
    y.name = "y"
    assert f" = {line}\n" in agree(nb, y, [], [a]).source


def test_a_slope_of_0_is_not_reported_and_one_of_1_not_multiplied(nb):
    a = nb.Node(2.5, "weight", "a")
    assert "grad_a +=" not in nb.program(a.floor(), [], [a]).source
    y = a - 3
    y.name = "y"
    assert "grad_a += grad_y\n" in nb.program(y, [], [a]).source
    y = 3 - a
    y.name = "y"
    assert "grad_a -= grad_y\n" in nb.program(y, [], [a]).source


def test_only_what_leads_to_a_weight_goes_back(nb):
    x, w = nb.Node(2, "input", "x"), nb.Node(3, "weight", "w")
    y = x.sin() * x.cos()
    y.name = "y"
    source = agree(nb, y * w, [x], [w]).source
    assert "grad_x" not in source and "grad_y" not in source and "grad_w += " in source


@pytest.mark.parametrize("x", [-2, -1e-300, -0.0, 0, 0.0, 1e-300, 3, math.inf, -math.inf, math.nan])
def test_relu_on_both_sides(nb, x):
    w, v = nb.Node(x, "weight"), nb.Node(2, "weight")
    agree(nb, w.relu() + v.relu().relu() * 0.5, [], [w, v])
    hidden = w.relu()
    run = agree(nb, (hidden * v - hidden.relu()).relu(), [], [w, v])
    assert "if not (" in run.source and "if grad_" in run.source


def test_a_gradient_of_0_is_not_sent_on(nb):
    w = nb.Node(0, "weight", "w")
    y = w.sqrt().relu()
    assert nb.program(y, [], [w])([0], [[]]) == (0, [0])


# ---------------------------------------------------------------- networks
LOSSES = {"squared_loss": lambda nb, out, y: (out - y) ** 2, "hinge_loss": lambda nb, out, y: (1 - out * y).relu(),
          "cross_entropy": lambda nb, out, y: nb.lifted(nb.softplus)(-out * y)}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "linear"])
@pytest.mark.parametrize("sizes", [[1], [3, 1], [4, 4, 1], [2, 1, 3, 1]])
def test_networks(nb, sizes, activation, loss):
    rng = random.Random(len(sizes))
    net = nb.MLP(2, sizes, activation, rng=rng)
    x, y, weights = [nb.Node(1), nb.Node(2)], nb.Node(1), net.parameters()
    rows = [[rng.uniform(-2, 2), rng.uniform(-2, 2), rng.choice([-1, 1])] for _ in range(6)]
    root = LOSSES[loss](nb, net(x), y) + nb.penalty(weights)
    run = agree(nb, root, [*x, y], weights, None, rows)
    for w in weights:
        w.value += 0.1
    agree(nb, root, [*x, y], weights, None, rows)
    whole = getattr(nb, loss)([net(row[:2]) for row in rows], [row[2] for row in rows]) + nb.penalty(weights)
    total, grads = run(weights, rows)
    assert total / 6 == pytest.approx(whole.value, rel=1e-12)
    whole.backward()
    assert [g / 6 for g in grads] == pytest.approx([w.grad for w in weights], rel=1e-11, abs=1e-13)
    agree(nb, whole, [], weights)


def test_several_classes(nb):
    rng = random.Random(1)
    net = nb.MLP(2, [4, 3], "tanh", rng=rng)
    rows = [[rng.uniform(-2, 2), rng.uniform(-2, 2)] for _ in range(6)]
    agree(nb, nb.cross_entropy([net(row) for row in rows], [0, 1, 2, 2, 1, 0]), [], net.parameters())
    x = [nb.Node(1), nb.Node(2)]
    scores = net(x)
    agree(nb, nb.lifted(nb.log_sum_exp)(*scores) - scores[1], x, net.parameters(), None, rows)


def test_training_by_the_program_is_training_by_the_engine(nb):
    rng = random.Random(2)
    net = nb.MLP(2, [3, 1], "tanh", rng=rng)
    x, y, weights = [nb.Node(1), nb.Node(2)], nb.Node(1), net.parameters()
    rows = [(rng.uniform(-2, 2), rng.uniform(-2, 2), rng.choice([-1, 1])) for _ in range(8)]
    run, values = nb.program((net(x) - y) ** 2, [*x, y], weights), [w.value for w in weights]
    for _ in range(20):
        values = [v - 0.1 * g / 8 for v, g in zip(values, run(values, rows)[1])]
        loss = nb.squared_loss([net(row[:2]) for row in rows], [row[2] for row in rows])
        loss.backward()
        for w in weights:
            w.value -= 0.1 * w.grad
    assert values == pytest.approx([w.value for w in weights], rel=1e-10)


# ---------------------------------------------------------------- rules of one's own
e, values, rows, total, run, v1, v2, grad_v1, slopes_v1, x1 = 2.5, 3, 5, 7, 11, 13, 17, 19, 23, 29


def square(x): return x * x, (2 * x,)
def huber(x): return (x * x / 2, (x,)) if -1 < x < 1 else ((x if x > 0 else -x) - 0.5, (1 if x > 0 else -1,))
def leaky(x): return (x / 8, (1 / 8,)) if x < 0 else (x, (1,))
def clip(x): return (0, (0,)) if x < 0 else (0.5, (0,)) if x > 0.5 else (x, (1,))
def step(x): return (0 if x < 0 else 1), (0,)
def logistic(x): return (q := math.exp(x)) / (1 + q), (q / (1 + q) ** 2,)
def squared_product(a, b): return (p := a * b) * p, (2 * p * b, 2 * p * a)
def hypot(a, b): return (r := math.hypot(a, b)), (a / r, b / r)
def three(a, b, c): return a * b - c, (b, a, -1)
def shadowed(e): return e * e, (2 * e,)
def documented(x):
    """Return 3x."""
    return 3 * x, (3,)


def swapped_names(b, a): return b / a, (1 / a, -b / a / a)
def constant_of_the_cell(x): return e * x, (e,)
def geometric(x): return (x if -1 < x < 1 else geometric(x / 2)[0]), (1 if -1 < x < 1 else geometric(x / 2)[1][0] / 2,)
def real(x): return 2 * x.real, (2 * x.real / x.real,)


# what is copied must mean the same: these are called
def late_walrus(a, b): return a * b, ((q := b), q - b + a)
def rebound(x): return (x := x + 1) * x, (2 * x,)
def bound_twice(x): return ((q := q + 1) * q, (4 * q,)) if (q := 2 * x) > 0 else (q, (2,))
def by_call(x): return (x, (1,)) if abs(x) < 1 else (1.0, (0,))
def starred(x): return 2 * x, (*[2],)
def two_starred(a, b): return a + 2 * b, (*[1, 2],)
def listed(x): return 2 * x, [2]
def comprehended(x): return sum([x for x in [x, x]]), (2,)
def with_lambda(x): return (lambda x: x * x)(x), (2 * x,)
def keyword_only(x, *, e=2): return e * x * math.e / math.e, (e,)
def default(a, b, k=3): return k * a * b, (k * b, k * a)
def product(*x): return math.prod(x), tuple([math.prod(x[:k] + x[k + 1:]) for k in range(len(x))])
def clashing(x): return x * values + rows - total * run, (values,)
def moved(x):
    x = x + 1
    return x * x, (2 * x,)


def through_a_name(x):
    """Return (x + 1)²."""
    y = x + 1
    return y * y, (2 * y,)


def halve(x):
    """Return x halved until it is below 1."""
    if abs(x) < 1:
        return x, (1,)
    value, (slope,) = halve(x / 2)
    return value, (slope / 2,)


def times(k):
    def rule(x):
        return k * x, (k,)
    return rule


def doubled(rule):
    @functools.wraps(rule)
    def wrapper(*numbers):
        value, slopes = rule(*numbers)
        return 2 * value, tuple([2 * s for s in slopes])
    return wrapper


@doubled
def decorated(x): return x * x, (2 * x,)


class Method:
    def rule(self, a, b): return a * b, (b, a)


cube = lambda x: (x ** 3, (3 * x * x,))
lambdas = [
    lambda x: (x + 5, (1,)), lambda x: (x * 5, (5,)),
    lambda x: (x * x,
               (2 * x,))]
without_source = {}
exec("def rule(x): return x * 9, (9,)", without_source)
COPIED = [
    square, huber, leaky, clip, step, logistic, squared_product, hypot, three, shadowed, documented, swapped_names,
    constant_of_the_cell, geometric, real, times(3)]
CALLED = [
    late_walrus, rebound, bound_twice, by_call, starred, two_starred, listed, comprehended, with_lambda, keyword_only,
    default, product, clashing, moved, through_a_name, halve, decorated, Method().rule, cube, *lambdas,
    without_source["rule"]]


@pytest.mark.parametrize("rule", [*COPIED, *CALLED], ids=lambda rule: rule.__name__)
def test_rules_of_ones_own(nb, rule):
    n = {product: 4, decorated: 1, default: 2}.get(rule) or rule.__code__.co_argcount - inspect.ismethod(rule)
    for values in ([0.5, -1.5, 2.5, 3], [-2.5, 0.25, 1, -1], [3, 2, 1, 4], [1.5, 1, -4, 2]):
        run = one_row(nb, rule, *values[:n])
        assert ("slopes" in run.source) == (rule in CALLED), run.source
        one_row(nb, rule, *values[:n], then=lambda y: (y * y + y).tanh())
        for k in range(n):
            constant = [nb.Node(v, "constant") if k == i else v for i, v in enumerate(values[:n])]
            one_row(nb, rule, *constant)
    same = [nb.Node(1.5, "weight")] * n
    agree(nb, nb.lift(rule)(*same) * nb.lift(rule)(*same), [], same[:1])


def random_expression(rng, names, depth=3):
    """Return the text of an expression of these names, whose value is a number between -1e3 and 1e3 or so."""
    below = functools.partial(random_expression, rng, names, depth - 1)
    if depth == 0 or rng.random() < 0.15:
        return rng.choice([*names, "0", "1", "-1", "2.5", "k", "t"])
    kind = rng.randrange(9)
    if kind == 0:
        return f"({below()} if {below()} {rng.choice(['<', '<=', '==', '>'])} {below()} else {below()})"
    if kind == 1:
        names = [*names, name] if (name := rng.choice("pqrs")) not in names else names
        return f"(({name} := {below()}) + math.sin({name}))"
    if kind == 2:
        return f"math.{rng.choice(['sin', 'tanh', 'atan'])}({below()})"
    if kind == 3:
        return rng.choice(["-{}", "(not {})", "{}.real", "+{}"]).format(f"({below()})" if depth > 1 else names[0])
    return f"({below()} {rng.choice(['+', '-', '*', 'and', 'or'])} {below()})"


def random_rule(rng):
    """Return the text of a rule of one line; its slopes are any numbers."""
    names = ["a", "b"][:rng.randint(1, 2)]
    def pair():
        slopes = [rng.choice(["0", "1", "-1", random_expression(rng, names, 2)]) for _ in names]
        return f"({random_expression(rng, names)}, ({', '.join(slopes)},))"
    line = pair()
    for _ in range(rng.randrange(3)):
        line = rng.choice(["({1} if {0} else {2})", "({2} if {0} else {1})"]).format(
            f"{random_expression(rng, names, 1)} < {random_expression(rng, names, 1)}", pair(), line)
    return f"def rule({', '.join(names)}): return {line}\n", len(names)


def random_rules_agree(nb, seeds):
    copied = 0
    for seed in seeds:
        rng = random.Random(seed)
        w = [nb.Node(rng.choice([-2, -0.5, 0, 1.25, 3]), "weight", name) for name in ("a", "p")]
        nodes = [*w]
        for text, n in (random_rule(rng) for _ in range(3)):
            rule = readable(text, k=rng.choice([2, -3.5]), t=0.5)
            nodes += [nb.lift(rule)(*rng.choices([*nodes, *nodes, 2, -3], k=n)).tanh() for _ in range(2)]
        run = agree(nb, nb.total(nodes), [], w)
        copied += "slopes" not in run.source
    assert copied > len(seeds) / 20


def test_random_rules(nb):
    random_rules_agree(nb, range(examples(40)))


@pytest.mark.slow
def test_many_random_rules(nb):
    random_rules_agree(nb, range(1000, 1000 + examples(150)))


def test_a_default_argument_can_be_given(nb):
    assert "slopes" not in one_row(nb, readable("def rule(x, k=3): return k * x, (k, x)"), 2, 5).source


def test_a_number_has_attributes(nb):
    rule = readable("def rule(a, k): return a * k.real, (k.real, a)")
    for k in (2, -2, 2.5, math.inf):
        assert "slopes" not in one_row(nb, rule, 3, nb.Node(k, "constant")).source


@pytest.mark.parametrize("first", [
    "x = x + 1", "if x > 1: raise ValueError('too large')", "assert x < 1", "print(end='')", "global there; there = x"])
def test_a_line_before_the_last_is_not_forgotten(nb, first):
    rule = readable(f"def rule(x):\n    {first}\n    return x * x, (2 * x,)\n")
    w = nb.Node(0.5, "weight", "w")
    run = agree(nb, nb.lift(rule)(w), [], [w])
    assert "rule(w)" in run.source
    if "raise" in first:
        with pytest.raises(ValueError, match="row 0: rule of 3: too large"):
            run([3], [[]])


def test_a_rule_that_draws_lots_draws_once(nb):
    coin = itertools.cycle([True, False])
    rule = readable("def rule(x): return (0, (0,)) if next(coin) else (2 * x, (2,))\n", coin=coin)
    w = nb.Node(3, "weight", "w")
    run = nb.program(nb.lift(rule)(w), [], [w])
    assert sorted(run([3], [[]]) for _ in range(2)) == [(0, [0]), (6, [2])]


def test_closures_and_rules_of_one_name_are_told_apart(nb):
    w = nb.Node(0.5, "weight", "w")
    agree(nb, nb.total([nb.lift(times(k))(w) ** k for k in (2, 3.5, 2, 4.25)]), [], [w])
    one, two = (readable(f"def rule(x):\n    y = {k} * x\n    return y, ({k},)") for k in (3, 5))
    agree(nb, nb.lift(one)(w) * nb.lift(two)(w) + nb.lift(one)(w), [], [w])
    text = "def rule(x): return helper(x), (k,)"
    three, four = (readable(text, helper=lambda x, k=k: k * x, k=k) for k in (3.5, 5.5))
    agree(nb, nb.lift(three)(w) * nb.lift(four)(w) + nb.lift(three)(w), [], [w])


NAMES = ["values", "rows", "total", "run", "_", "float", "math", "abs", "v0", "v1", "v2", "v3", "grad_a", "grad_v2",
         "grad_y", "slopes_v2", "slopes_y", "a", "y", "x", "q", "q_y", "sin", "power", "grad_total", "print"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_a_rule_means_what_it_means_there(nb, name):
    value = math if name == "math" else 2.5
    use = "math.pi" if name == "math" else name
    rules = [readable(f"def rule(z): return z * {use}, ({use},)", **{name: value}),
             readable(f"def rule(z):\n    k = {use}\n    return z * k, (k,)", **{name: value})]
    for own in ("a", name):
        w, x = nb.Node(0.5, "weight", own), nb.Node(3, "input", "y")
        for rule in rules:
            y = nb.lift(rule)(w)
            agree(nb, y * math.inf + abs(x) * y.sin() + y ** 2 + y.tanh(), [x], [w])


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_and_its_arguments_may_have_any_name(nb, name):
    w = nb.Node(0.5, "weight", "a")
    for lines in (f" return 2 * {name}, (2,)", f"\n    k = 2\n    return 2 * {name}, (k,)"):
        y = nb.lift(readable(f"def {name}({name}):{lines}", name))(w)
        y.name = name
        agree(nb, y * math.inf + y.sin() + y ** 2 + abs(y), [], [w])


# ---------------------------------------------------------------- names
HARD = [
    "lambda", "None", "True", "x y", "x-y", "", "_", "__", "!", "?", "1", "1a", "ﬁ", "fi", "\u212a", "K", "µ", "μ", "½",
    "a½", "²", "①", "ª", "名", "e\u0301", "é", "total", "values", "rows", "run", "float", "math", "abs", "__debug__",
    "__class__", "grad_a", "a", "a", "grad_grad_a", "v3", "v4", "slopes_v9", "power", "q_v9", "q", "r", "\n", "'\"",
    "a; import os", "match", "x[0]", "rows[2][0]", "layer 1, neuron 2, w1", "L1_N2_w1", "𝐚", "\u200b", "\u0301", "_a",
    "＿", "𐄇", "a\x00", "print", "a_1", "sum_of", 5]


def named_graph(nb, names):
    """Compare a graph whose weights, data and operations have these names."""
    weights = [nb.Node(1 + k / 10, "weight", name) for k, name in enumerate(names)]
    data = [nb.Node(2 + k / 10, "input", name) for k, name in enumerate(names[::-1])]
    steps = [abs((w * x).tanh()) ** 2 for w, x in zip(weights, data)]
    for name, y in zip(names, steps):
        y.name = name
    return agree(nb, nb.total(steps) * nb.lift(nb.sigmoid)(weights[0]), data, weights)


@pytest.mark.parametrize("name", HARD)
def test_hard_names(nb, name):
    assert named_graph(nb, [name, name, "a"])
    w = nb.Node(2, "weight", name)
    assert nb.program(w * w, [], [w])([3], [(), ()]) == (18, [12])


def test_all_hard_names_at_once(nb):
    named_graph(nb, HARD)
    named_graph(nb, HARD[::-1])


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(st.text(max_size=5), min_size=1, max_size=5))
def test_any_names(nb, names):
    named_graph(nb, names)


def test_a_name_that_can_be_had_is_kept(nb):
    names = ["w", "x1", "größe", "名", "layer 1, neuron 2, w1", "rows[2][0]", "a b"]
    weights = [nb.Node(1, "weight", name) for name in names]
    source = nb.program(nb.total(weights), [], weights).source
    assert "    w, x1, größe, 名, L1_N2_w1, rows_2_0, a_b, = values\n" in source


# ---------------------------------------------------------------- numbers
NUMBERS = [
    0, 1, -1, 3, -7, 0.0, -0.0, 0.1, -2.5, 1e-7, -1e-7, 5e-324, 1.7e308, -1.7e308, math.inf, -math.inf, math.nan, True,
    10 ** 30, -10 ** 30, Fraction(1, 3), np.float32(0.1), np.int64(-3)]


def signed(a, b): return a * math.copysign(1, b), (math.copysign(1, b), 0)


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
def test_constants(nb, number):
    w = nb.Node(0.75, "weight", "w")
    agree(nb, nb.lift(signed)(w, number), [], [w])
    for build in (lambda k: w + k, lambda k: k - w, lambda k: w * k, lambda k: w * w * k - k, lambda k: k / w,
                  lambda k: k // w):
        agree(nb, build(number), [], [w])
    run = nb.program(nb.total([number, w]) * number, [], [w])
    assert run([number], [[]])[0] == pytest.approx(float(number + number) * float(number), nan_ok=True)


@pytest.mark.parametrize("number", [n for n in NUMBERS if n], ids=repr)
def test_powers_and_quotients_by_constants(nb, number):
    w = nb.Node(1, "weight", "w")
    for build in (lambda k: w / k, lambda k: w // k, lambda k: w ** k):
        agree(nb, build(number), [], [w])


def test_whole_numbers_stay_whole(nb):
    w = nb.Node(3, "weight", "w")
    total, (grad,) = nb.program(w * w * 2 + 1 - w // 2, [], [w])([3], [[]])
    assert (total, grad) == (18, 12) and type(total) is type(grad) is int
    big = 10 ** 30
    assert nb.program(w * w + 1, [], [w])([big], [[]]) == (big * big + 1, [2 * big])


def test_other_leaves_are_the_numbers_they_hold_now(nb):
    w, x = nb.Node(3, "weight", "w"), nb.Node(5, "input", "x")
    run = nb.program(w * x, [], [w])
    x.value = w.value = 100
    assert run([2], [[]]) == (10, [5]) and (w.value, x.value, w.grad) == (100, 100, None)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64, np.int8, np.uint8, object, Fraction])
def test_rows_of_any_kind_of_number(nb, kind):
    x, w = [nb.Node(1), nb.Node(2)], nb.Node(0.3, "weight")
    root = (x[0] * w - x[1] * x[1] * 100).tanh() + x[0] * x[1] * 3.3 / (x[1] + 1)
    plain = [[1, 2], [100, 3], [7, 9]]
    rows = [[Fraction(v) for v in row] for row in plain] if kind is Fraction else np.array(plain, kind)
    plain = [[v.item() if hasattr(v, "item") else v for v in row] for row in rows]
    run = agree(nb, root, x, [w], None, plain)
    right = run([0.3], plain)
    for came in (rows, [*map(tuple, rows)], (row for row in rows), [[nb.Node(v) for v in row] for row in plain]):
        total, (grad,) = run(np.array([0.3]), came)
        assert (total, grad) == (right[0], right[1][0]) and type(total) is type(grad) is float


def test_numbers_of_numpy_fail_as_plain_ones_do(nb):
    x, w = nb.Node(1, name="x"), nb.Node(1, "weight", "w")
    with pytest.raises(ZeroDivisionError, match="row 1: 1 ÷ 0: the divisor must not be 0"):
        nb.program(w / x, [x], [w])(np.array([1.0]), np.array([[1.0], [0.0]]))
    assert nb.program(x * x * w, [x], [w])([1], np.array([[2 ** 40]])) == (2 ** 80, [2 ** 80])


# ---------------------------------------------------------------- shapes of graphs and calls
def test_a_root_that_is_a_leaf(nb):
    w, x, k = nb.Node(2, "weight", "w"), nb.Node(3, "input", "x"), nb.Node(4, "constant")
    assert nb.program(w, [], [w])([5], [[], []]) == (10, [2])
    assert nb.program(x, [x], [w])([5], [[1], [2]]) == (3, [0])
    assert nb.program(k, [x], [w])([5], [[1], [2]]) == (8, [0])
    assert nb.program(k)([], [[]]) == (4, [])


def test_data_and_weights_need_not_be_in_the_graph(nb):
    w, v, x, y = nb.Node(2, "weight"), nb.Node(3, "weight"), nb.Node(4, "input"), nb.Node(5, "input")
    assert nb.program(w * x, [y, x], [v, w])([7, 2], [[0, 3], [0, 5]]) == (16, [0, 8])


def test_any_leaf_may_be_data_or_weight(nb):
    w, x, k = nb.Node(2, "weight", "w"), nb.Node(3, "input", "x"), nb.Node(4, "constant")
    assert nb.program(w * x * k, [w], [k, x])([4, 3], [[2], [1]]) == (36, [9, 12])


def test_no_rows_no_data_no_weights(nb):
    w, x = nb.Node(2, "weight", "w"), nb.Node(3, "input", "x")
    assert nb.program(w * x, [x], [w])([2], []) == (0, [0])
    assert nb.program(w * x)([], [()]) == (6, [])
    assert nb.program(w * x, [x])([], ([k] for k in range(4))) == (12, [])
    assert nb.program(w * x, iter([x]), iter([w]))((2,), [(3,)]) == (6, [3])


def test_values_may_be_the_weights_themselves(nb):
    w, x = nb.Node(2, "weight", "w"), nb.Node(3, "input", "x")
    run = nb.program(w * x, [x], [w])
    w.value = 5
    assert run([w], [[3]]) == (15, [3])


def test_a_program_leaves_the_graph_alone(nb, shared):
    before = [(x.value, x.grad, x.slopes, x.name) for x in nb.graph_of(shared)]
    leaf, = (x for x in nb.graph_of(shared) if x.name == "a")
    nb.program(shared, [leaf])([], [[9]])
    with pytest.raises(ValueError):
        nb.program(leaf.log(), [leaf])([], [[-1]])
    assert before == [(x.value, x.grad, x.slopes, x.name) for x in nb.graph_of(shared)]


def test_operations_without_operands(nb):
    w = nb.Node(2, "weight", "w")
    agree(nb, nb.total([]) + w * nb.weighted_sum([], [], 3), [], [w])
    agree(nb, nb.lift(readable("def rule(*none): return 7, ()"))() * w, [], [w])
    with pytest.raises(ValueError, match="are leaves"):
        nb.program(w, [nb.total([])])


def test_a_kind_of_node(nb):
    class Kind(nb.Node):
        """A kind of Node."""
    w = Kind(2, "weight", "w")
    agree(nb, w * 3 + w, [], [w])


def test_an_operand_used_many_times(nb):
    w = nb.Node(1.5, "weight", "w")
    agree(nb, nb.weighted_sum([w, w, w], [w, 2, w], w) + nb.total([w] * 5) + w * w / w - w + w ** w, [], [w])


# ---------------------------------------------------------------- errors
@pytest.mark.parametrize("build, row, error, words", [
    (lambda x: x.log(), 0, ValueError, "row 1: log of 0: a logarithm needs a number above 0"),
    (lambda x: x.sqrt(), -4, ValueError, "row 1: sqrt of −?-?4: a square root needs"),
    (lambda x: 3 / x, 0, ZeroDivisionError, "row 1: 3 ÷ 0: the divisor"),
    (lambda x: 3 // x, 0, ZeroDivisionError, "row 1: 3 // 0: the divisor"),
    (lambda x: x ** 0.5, -8, ValueError, r"row 1: \(.8\) \^ 0.5: a negative base"),
    (lambda x: x.exp(), 1000, OverflowError, "row 1: exp of 1000: the value or a slope is larger than any float"),
    (lambda x: (x * 1.0) ** 3, 1e200, OverflowError, r"row 1: 1e\+200 \^ 3: the value"),
    (lambda x: 1 / (x.relu() * 2), -1, ZeroDivisionError, "row 1: 1 ÷ 0"),
])
def test_a_row_without_a_value_is_named(nb, build, row, error, words):
    x, w = nb.Node(2, name="x"), nb.Node(1, "weight", "w")
    run = nb.program(build(x) * w, [x], [w])
    with pytest.raises(error, match=words):
        run([1], [[2], [row], [2]])
    run = nb.program(build(w), [], [w])
    with pytest.raises(error, match=words.replace("row 1", "row 0")):
        run([row], [[]])


def test_an_error_that_no_rule_explains_is_passed_on(nb):
    w = nb.Node(2, "weight", "w")
    with pytest.raises(OverflowError, match="^int too large"):
        nb.program(w * 1, [w])([], [[0.5], [10 ** 400]])


@pytest.mark.parametrize("values, rows, error, words", [
    ([1, 2], [[1, 2]], ValueError, "written for 1 weights; got 2 values"),
    ([], [], ValueError, "written for 1 weights; got 0"),
    ([1], [[1]], ValueError, "a row holds 2 numbers, one for each of `data`; the rows begin with"),
    ([1], [[1, 2], [1, 2, 3]], ValueError, "a row holds 2"), ([1], [1, 2], ValueError, "a row holds 2"),
    ([1], np.array([1, 2]), ValueError, "a row holds 2"), (["1"], [], TypeError, "numbers.*got str"),
    ([1], [["1", 2]], TypeError, "numbers.*got str"), ([1], ["ab"], TypeError, "numbers.*got str"),
    ([1], [[1j, 2]], TypeError, "numbers.*got complex"), ([1], [[None, 2]], TypeError, "numbers.*got NoneType"),
    ([1], [[np.ones(2), 2]], TypeError, "numbers.*got ndarray")])
def test_a_wrong_call_says_what_came(nb, values, rows, error, words):
    x, y, w = nb.Node(2), nb.Node(3), nb.Node(1, "weight", "w")
    with pytest.raises(error, match=words):
        nb.program(x * y * w, [x, y], [w])(values, rows)


def test_what_is_no_graph_of_nodes_is_refused(nb):
    w = nb.Node(2, "weight", "w")
    for wrong in ((3,), (w, [3]), (w, [], ["w"]), (None,), (w, [[w]])):
        with pytest.raises(TypeError, match="takes a Node and two lists of Nodes; got (int|str|NoneType|list): "):
            nb.program(*wrong)
    with pytest.raises(ValueError, match="are leaves; this was computed"):
        nb.program(w * 2, [w * 2])
    for twice in (([w], [w]), ([w, w], []), ([], [w, w])):
        with pytest.raises(ValueError, match="name each leaf once; twice"):
            nb.program(w * 2, *twice)
    tensor = nb.Tensor(np.ones(2))
    with pytest.raises(TypeError, match="holds arrays"):
        nb.program((tensor * 2).sum())


# ---------------------------------------------------------------- size
def test_more_names_than_cpython_holds_quickly(nb):
    rng = random.Random(3)
    net = nb.MLP(3, [16, 16, 1], "relu", rng=rng)
    x, weights = [nb.Node(1), nb.Node(2), nb.Node(3)], net.parameters()
    assert len(weights) > 300
    agree(nb, net(x) ** 2, x, weights, None, [[rng.uniform(-1, 1) for _ in x] for _ in range(3)])


@pytest.mark.parametrize("n", [998, 999, 1000, 1001, 10_000])
def test_sums_of_many_operands(nb, n):
    weights = [nb.Node(k % 7 / 8, "weight") for k in range(n // 2)]
    agree(nb, nb.total([*weights, *weights]) * 0.5, [], weights)
    agree(nb, nb.weighted_sum(weights, weights, 1), [], weights)


@pytest.mark.parametrize("grow", [lambda y: y.tanh(), lambda y: (y + 0.001).sin(), lambda y: y.relu() * 1.0001])
def test_deep_chains(nb, grow):
    w = y = nb.Node(0.5, "weight", "w")
    for _ in range(2_000):
        y = grow(y)
    agree(nb, y, [], [w])


@pytest.mark.slow
def test_a_chain_of_20_000(nb):
    w = y = nb.Node(0.5, "weight", "w")
    for _ in range(20_000):
        y = y.tanh()
    agree(nb, y, [], [w])


@pytest.mark.slow
def test_towers_and_wide_graphs(nb):
    first, y = nb.tower(30)
    agree(nb, y, [], [first])
    weights = [nb.Node(k / 3000, "weight", "w") for k in range(3000)]
    agree(nb, nb.total([(w * weights[-1 - k]).tanh() for k, w in enumerate(weights)]), [], weights)


# ---------------------------------------------------------------- faults
def battery(nb):
    rng = random.Random(1)
    for k in range(20):
        on_changed_rows(nb, random_graph(nb, rng), 3, k)
    a = nb.Node(3, "input", "a")
    b = 2 * a
    c = b + 1
    L = b * c
    b.name, c.name, L.name = "b", "c", "L"
    test_the_running_example_is_ten_short_lines(nb, L)
    for test in (test_sums_are_written_out_and_constants_are_folded_in, test_a_root_that_is_a_leaf,
                 test_any_leaf_may_be_data_or_weight, test_operations_without_operands, test_all_hard_names_at_once,
                 test_numbers_of_numpy_fail_as_plain_ones_do, test_a_rule_that_draws_lots_draws_once,
                 test_closures_and_rules_of_one_name_are_told_apart):
        test(nb)
    test_hard_names(nb, "?")
    test_networks(nb, [3, 1], "relu", "hinge_loss")
    test_constants(nb, math.inf)
    test_relu_on_both_sides(nb, 0)
    for rule in (clip, real, square, late_walrus, rebound, starred, moved, clashing):
        test_rules_of_ones_own(nb, rule)
    test_a_name_in_a_rule_means_what_it_means_there(nb, "v1")
    test_a_number_has_attributes(nb)
    test_sums_of_many_operands(nb, 7_000)


def test_the_battery_finds_nothing_without_a_fault(nb):
    battery(nb)


REPORT = 'return f"{to} += {gradient} * {slope if simple else f\'({slope})\'}"'
FAULTS = {
    "the + of += is dropped": (REPORT, REPORT.replace("+=", "=")),
    "the + of += is dropped where the slope is 1": ("'-' if slope == '-1' else '+'", "'-' if slope == '-1' else ''"),
    "a sign is flipped": ("'-' if slope == '-1' else '+'", "'+'"),
    "the upstream factor is forgotten": (REPORT, REPORT.replace("{gradient} * ", "")),
    "the slope is forgotten": (REPORT, 'return f"{to} += {gradient}"'),
    "a slope is not put in parentheses": ("{slope if simple else f'({slope})'}", "{slope}"),
    "the third report is skipped": ("zip(x.operands, slopes[x])", "[*zip(x.operands, slopes[x])][:2]"),
    "the second report to one node is skipped": (
        "zip(x.operands, slopes[x])", "dict(zip(x.operands, slopes[x])).items()"),
    "backward goes in the order of forward": (
        "for x in [x for x in reversed(slopes) if", "for x in [x for x in slopes if"),
    "gradients are not reset in a row": ("x in grad and x is not root]", "x in grad and x is not root][:1]"),
    "the silent side is the other one": ('return f"if not ({silent[1]})', 'return f"if ({silent[1]})'),
    "a silent side inside a silent side": ('silent and slope.count(" if ") == 1', "silent"),
    "what a silent side feeds asks nothing": ('if indent or report[:2] == "if"', "if indent"),
    "the first weight gets no gradient": ("for x in self.weights}, {}, []", "for x in self.weights[1:]}, {}, []"),
    "only the first operand leads back": (
        "grad.keys().isdisjoint(x.operands)", "grad.keys().isdisjoint(x.operands[:1])"),
    "the root starts at 0": ("(root in self.weights)}= 1", "(root in self.weights)}= 0"),
    "a root that is a weight forgets its rows": ("'+' * (root in self.weights)", "''"),
    "the total is of the last row": ('f"total += {names[root]}"', 'f"total = {names[root]}"'),
    "values are given in another order": ("[names[x] for x in self.weights]", "[names[x] for x in self.weights[::-1]]"),
    "data are given in another order": ('f"{names[x]}," for x in self.data', 'f"{names[x]}," for x in self.data[::-1]'),
    "slopes of a weighted sum change places": ('[*inputs, *w, "1"]', '[*w, *inputs, "1"]'),
    "the bias is left out": ("[given[-1], *products]", "products or ['0']"),
    "slopes of a call are off by one": ('[f"{slopes}[{k}]" for', '[f"{slopes}[{k - 1}]" for'),
    "a walrus keeps its name": ('self.new(f"{other}_{name}")', "other"),
    "rules of one name are one": ("v) is v for k, v in names.items())", "v) or True for k, v in names.items())"),
    "names mean what they mean in the program": ('("run", "values", "rows", "total", "_"), self)', "(), self)"),
    "a variable takes the name of a rule's global": ("self.taken.update(*[", "set().update(*["),
    "two leaves of one name are one": ('self.taken.update((name, f"grad_{name}"))', "pass"),
    "keywords are names": ("*_keyword.kwlist, ", ""),
    "a name is not normalized": ('_unicodedata.normalize("NFKC", _short(name))', "_short(name)"),
    "_ is a name": ('.strip("_")', ""),
    "NumPy's numbers stay": ("row if _NUMBERS.issuperset(map(type, row)) else _values_of(row)", "row"),
    "negative numbers stand bare": ('f"({text})" if text[0] == "-" else text', "text"),
    "inf is a name": ('text if text[-1].isdigit() else f"float(\'{text}\')"', "text"),
    "a line before the last is forgotten": ("source.body[_ast.get_docstring(source) is not None:]", "source.body[-1:]"),
    "an argument is bound twice": ("if own == sorted(code.co_varnames) and not (", "if not ("),
    "a walrus of a slope is read before it is set": ("slopes[1:] and walrus", "False and walrus"),
    "a star is copied": ("comprehension|Lambda|Starred", "comprehension|Lambda"),
    "a lot is drawn twice": (' if "Call(" not in _ast.dump(test)', ""),
    "an attribute of a whole number": ('.replace("›.", "› .")', ""),
    "sums are nested too deep": ("n < 1000 and x.rule", "x.rule"),
}


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.parametrize("fault", FAULTS)
def test_a_deliberate_fault_is_caught(fault):
    broken = load(f"broken_program_{[*FAULTS].index(fault)}", replace={CELL: FAULTS[fault]}, until="learn-losses")
    with pytest.raises((Exception, pytest.fail.Exception)):
        battery(broken)
