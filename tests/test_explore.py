"""Graphs whose numbers move: their arithmetic against Python's, and the page driven like a reader does."""
import html
import itertools
import linecache
import math
import random
import re
import struct
import types
import urllib.parse
import zlib
from fractions import Fraction

import numpy as np
import pytest
from browser import unpacked
from reference import BINARY, UNARY, compute, examples

INFINITE = math.inf, -math.inf, math.nan
POINTS = [0.0, -0.0, 1.0, -1.0, 20.0, -20.0, 1000.0, -1000.0, 0.5, -0.5, 1.5, 3.0, 1e-9, -1e-9, 1e200, -1e200]
ONE = "neg exp log sqrt sin cos tanh sigmoid relu absolute floor softplus linear".split()
TWO = "add sub mul div floordiv power".split()
MANY = "sum_of sum_of_products log_sum_exp".split()
EVAL = "([all, cases]) => { const runs = all.map(eval); return cases.map(([k, row]) => runs[k](row)); }"


def alike(a, b):
    """Return whether two numbers agree to 1e-12 of their size, inf and nan among them."""
    return math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-307) or (a != a and b != b)


def operation(nb, rule, values):
    """Return what a rule makes of numbers: a node, or the error."""
    try:
        return nb.lifted(rule)(*map(nb.Node, values))
    except (ArithmeticError, ValueError) as error:
        return error


def plain(message):
    """Return the message of an error without what differs from one Python to the next."""
    message = re.sub(r": [^:]*(division|modulo)[^:]*$", ": division by zero", message.replace("−", "-"))
    return message.replace("zero to a negative power", "0.0 cannot be raised to a negative power")


def differences(nb, page, cases, programs):
    """Return the cases (k, rule, values) in which program k, of that rule alone, is not as the engine is."""
    answers = page.evaluate(EVAL, [programs, [[k, [*values, None]] for k, _, values in cases]])
    wrong = []
    for (k, rule, values), (value, slopes, grads, fault) in zip(cases, answers, strict=True):
        right = operation(nb, rule, values)
        if isinstance(right, Exception):
            same = fault and fault["i"] == len(values) and plain(fault["why"]) == plain(str(right))
            same = same and grads == [None] * len(grads)
        else:
            same = not fault and alike(value[-1], right.value)
            same = same and all(map(alike, slopes[-1], right.slopes)) and all(map(alike, grads, [*right.slopes, 1]))
        if not same:
            wrong.append((rule.__name__, values, right, value[-1], slopes[-1:], fault))
    return wrong


def alone(nb, rule, count, start=2.5):
    """Return a rule on `count` leaves."""
    return nb.lift(rule)(*[nb.Node(start) for _ in range(count)])


def random_graph(nb, draw):
    """Return (root, leaves, tape) of a random computation, as tests/reference.py makes them."""
    while True:
        leaves = [draw.choice([draw.uniform(-3, 3), draw.randint(1, 9)]) for _ in range(draw.randint(1, 3))]
        steps = [(draw.choice([*UNARY, *BINARY, "*", "*", "+", "weighted sum", "sum"]), draw.randint(0, 5),
                  draw.randint(0, 5), draw.choice([None, -2.5, -1, 0.5, 2, 3])) for _ in range(draw.randint(3, 14))]
        nodes, tape = compute(nb, leaves, steps)
        if nodes[-1].operands:
            return nodes, tape


@pytest.fixture
def arithmetic(nb, monkeypatch):
    """A function that returns the part of a graph's script that computes: {n: run} in the page, without a picture."""
    stage = types.SimpleNamespace(width=0, top=0, bottom=0)
    monkeypatch.setattr(nb, "_Stage", lambda *_: stage)
    monkeypatch.setattr(nb, "_Drawing", lambda *_: types.SimpleNamespace(alt=""))
    monkeypatch.setattr(nb, "_svg_page", lambda *_: "")
    end = "return given => { run(given); return [value, slopes, grad, fault]; }; })()"
    return lambda root: "(() => { " + re.search(
        r"const graph = .*?(?=const view = )", unpacked(nb.explore(root).html), re.S)[0] + end


def test_every_rule_of_the_kit_as_python_has_it(nb, show, arithmetic):
    cases, programs, draw = [], [], random.Random(1)
    for name in ONE + TWO + MANY:
        rule, count = getattr(nb, name), 1 if name in ONE else 2 if name in TWO else 7
        rows = list(itertools.product([*POINTS, *INFINITE], repeat=count)) if count < 3 else [
            draw.choices(draw.choice([POINTS, POINTS[2:8], [*POINTS, *INFINITE]]), k=7) for _ in range(120)]
        cases += [(len(programs), rule, [*row]) for row in rows]
        programs.append(arithmetic(alone(nb, rule, count)))
    assert len(cases) > 2500 and differences(nb, show(), cases, programs) == []
    errors = {str(e).split(": ")[1] for _, rule, row in cases if isinstance(e := operation(nb, rule, row), Exception)}
    assert len(errors) >= 8, errors


@pytest.mark.slow
def test_values_and_gradients_of_random_graphs(nb, show, arithmetic):
    draw = random.Random(7)
    graphs = [random_graph(nb, draw) for _ in range(examples(200))]
    programs = [arithmetic(nodes[-1]) for nodes, _ in graphs]
    rows, known = [], []
    for nodes, tape in graphs:
        order = nb.graph_of(nodes[-1])
        right, size = tape.gradients(len(nodes) - 1, 1)
        place = {id(x): n for n, x in enumerate(nodes)}
        rows.append([len(rows), [None if x.rule else x.value for x in order]])
        known.append([(tape.values[place[id(x)]], float(right[place[id(x)]]), float(size[place[id(x)]]))
                      if id(x) in place else None for x in order])
    for k, (told, (value, _, grads, fault)) in enumerate(zip(known, show().evaluate(EVAL, [programs, rows]), strict=True)):
        assert fault is None
        for n, (mine, grad) in enumerate(zip(value, grads)):
            if told[n]:
                v, g, size = told[n]
                assert math.isclose(mine, v, rel_tol=1e-12, abs_tol=1e-14), (k, n)
                assert abs(grad - g) <= 1e-14 + 1e-12 * max(abs(g), size), (k, n)


def test_a_moved_graph_is_as_if_it_were_made_of_these_numbers(nb, show, arithmetic):
    draw, rows, known, programs = random.Random(8), [], [], []
    for _ in range(examples(60)):
        nodes, _ = random_graph(nb, draw)
        order = nb.graph_of(root := nodes[-1])
        programs.append(arithmetic(root))
        for x in order:
            x.value = x.value if x.rule else x.value * draw.uniform(0.5, 1.5) + draw.uniform(-1, 1)
        rows.append([len(rows), [None if x.rule else x.value for x in order]])
        try:
            for x in filter(lambda x: x.rule, order):
                nb.compute(x)
            root.backward()
            known.append([(x.value, x.grad) for x in order])
        except (ArithmeticError, ValueError) as error:
            known.append(str(error))
    faults = 0
    for told, (value, _, grads, fault) in zip(known, show().evaluate(EVAL, [programs, rows]), strict=True):
        faults += bool(fault)
        if fault:
            assert fault["why"].replace("−", "-") == told.replace("−", "-")
        else:
            assert all(math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-11) or a != a and b != b
                       for pair, right in zip(zip(value, grads), told, strict=True) for a, b in zip(pair, right))
    assert 0 < faults < len(known) / 2


TEXTS = """numbers => { const root = document.querySelector('.mg-explore'), out = [];
  const box = root.querySelector('[role=spinbutton]').querySelectorAll('text')[2];
  const arrow = root.querySelector('[data-k="ARROW"]');
  for (const x of numbers) {
    root.run([x, 1, undefined]); dispatchEvent(new Event('resize'));
    out.push([box.textContent, arrow.textContent]); }
  return out; }"""


def test_numbers_read_as_python_writes_them(nb, show):
    draw = random.Random(3)
    numbers = [1234.5, 1235.5, 0.00012345, 0.00012355, 1e16, 5e-324, -0.0, 0.0, math.inf, -math.inf, math.nan, 9999.5,
               9998.5, 0.5, 0.125, 2.5, 1e-4, 9.9995e-5, 0.99995, 99995, 12345, 100, 1e4, 1e5, 123456789, 1.7e308, 1e-300,
               -1.5, -1e-7, 1e22, 1e21, 0.1, 1 / 3, 2 / 3, 1000, 10000, 999.95, 0.0625, 1.0005, 1.00049999999999]
    numbers += [struct.unpack("d", draw.randbytes(8))[0] for _ in range(200)]
    numbers += [draw.randint(-99999, 99999) / 2 ** draw.randint(0, 9) for _ in range(200)]
    numbers += [draw.uniform(-1, 1) * 10 ** draw.randint(-7, 7) for _ in range(200)]
    root = nb.Node(2.0) * nb.Node(1.0)
    made = nb.explore(root)
    arrow = next(name for name, i, k in made.graph["arrows"] if k == 1)  # its slope is the number
    shown = show(made.html).evaluate(TEXTS.replace("ARROW", arrow), numbers)
    for x, (box, label) in zip(numbers, shown, strict=True):
        long, short = nb._value_text(x), nb._value_text(x, 3)
        assert (box, label) == (long, f"{short} × 1= {short}"), x


# ---- Rules of the reader's own -------------------------------------------------------
OWN = """
LIMIT, new = 2.5, 3
def leaky(x):                   return (x, (1,)) if x > 0 else (x * 0.01, (0.01,))
def walrus(var):                return (case := math.exp(-var * var)), (-2 * var * case,)
def words(new, var, math):      return new * var - math, (var, new, -1)
def divided(a, b):              return a // b + a % b, (a % b, a // b)
def constants(x):               return x * math.pi + math.tau - math.inf * 0 if x > 9 else x * math.e, (new,)
def squeezed(x):                return min(max(x, -LIMIT), LIMIT), (-LIMIT <= x <= LIMIT != x,)
def largest(*values):           return (top := max(values)), [v == top for v in values]
def soft(*values):              return shared_sum(values), tuple(softer(v) for v in values)
def typed(x):                   return float(x > 0) * float("inf") if x > 9 else int(x) * 1.5, (-float("-inf"),)
def turned(x, /):               return not x or 2, (not not x and x,)
def edges(x):                   return math.ceil(x) + math.trunc(x) + int(x), (math.fabs(math.floor(x)),)
def hypotenuse(a, b):           return math.hypot(a, b), (math.atan2(a, b), math.copysign(a, b))
def logarithms(a, b):           return math.log(a, b), (math.log10(a), math.log2(b))
def narrow(x):                  return math.log1p(x), (math.acos(x) + math.cbrt(x),)
def pushed(a, b):               return (abs(a) if b % 1 > 0 else a) ** b, (math.inf ** b, -abs(a) ** 2 ** 0.5)
def rooted(*values):            return math.sqrt(sum(values) - 2), values
def doubled(*values):           return sum((2 * [*values])[1:-1]), (*values[:1], *[0] * len(values[1:]))

def shared_sum(values):
    "A docstring."
    return sum([max(v, 0) for v in values])

def softer(v, sharp=new):
    return math.tanh(v * sharp)

def branches(x):
    if x < -1:
        value, slope = -1 - x, -1
    elif x == 0 or not x > 0:
        pass
        value, slope = 0, 0
    else:
        value, slope = x ** 2, 2 * x
    return value, (slope,)

def sums(x):
    value, slope = 0, 0
    for k in range(1, 5):
        value += x ** k / k
        slope += x ** (k - 1)
    for k, (a, b) in zip(range(9, 0, -4), [(1, 2), [3, 4], (5, 6)]):
        value -= k * a
        slope *= b
    else:
        value += 0.25
    while 1000 < value < math.inf:
        value /= 2
        slope //= 2
    else:
        slope %= 7
    if value != value:
        raise ValueError("the powers </script> cancel")
    return value, [slope]

def several(a, b, c):
    (a, b), parts = (b, a), [a, b] + [c]
    twice, parts = halved(c), parts + [b]
    a -= b
    b, a = a, b
    return -a ** 2 * twice + +b, (parts[0], parts[-1], sum(map(math.exp, [min(a, 0), min(-b, 0)])))

def halved(x):
    return x if x < 1 else halved(x / 2) + 1 if x < math.inf else 0

def factory(*numbers):
    weight, bias = numbers
    def line(x):
        return weight * x + bias, (weight,)
    return line
"""
HELPERS = {"shared_sum", "softer", "halved", "factory"}


def defined(text, **names):
    """Return the names that a text defines, as a cell of the notebook does."""
    name, scope = f"<cell {zlib.crc32(text.encode())}>", {"math": math, **names}
    linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name
    exec(compile(text, name, "exec"), scope)
    return scope


@pytest.mark.slow
def test_rules_of_one_s_own_as_python_has_them(nb, show, arithmetic):
    scope, cases, programs, draw = defined(OWN), [], [], random.Random(4)
    rules = [scope[name] for name in re.findall(r"^def (\w+)", OWN, re.M) if name not in HELPERS]
    rules += [scope["factory"](2, 0.5), scope["factory"](-1, 3)]
    for rule in rules:
        count = rule.__code__.co_argcount or 6
        rows = [draw.choices([*POINTS, *INFINITE, 0.1, 2, 7, -7, 2.5], k=count) for _ in range(120)]
        cases += [(len(programs), rule, row) for row in rows]
        programs.append(arithmetic(alone(nb, rule, count, 0.5)))
    assert differences(nb, show(), cases, programs) == []


@pytest.mark.slow
def test_whole_division_and_remainder_of_all_signs(nb, show, arithmetic):
    rule, draw = defined(OWN)["divided"], random.Random(5)
    pairs = [[1.0, 0.1], [-1.0, 0.1], [1.0, -0.1], [5.0, math.inf], [-5.0, math.inf], [math.inf, 2.0], [0.0, -3.0]]
    pairs += [[a / 4, b / 4] for a in range(-14, 15) for b in range(-14, 15)]
    pairs += [[draw.uniform(-9, 9) * 10 ** draw.randint(0, 12), draw.choice([draw.uniform(-3, 3), 0.1, -0.3])]
              for _ in range(1000)]
    assert differences(nb, show(), [(0, rule, pair) for pair in pairs], [arithmetic(alone(nb, rule, 2))]) == []


REFUSED = {  # what a rule cannot say in the page, and how the error names it
    "with open('x') as f: pass": "with open('x') as f:", "try: y = 1\n    finally: pass": "try:", "import re": "import re",
    "y = str(x).upper()": "str(x).upper", "y = math.erf(x)": "math.erf", "y = np.exp(x)": "np.exp", "print(x)": "print(x)",
    "y = max([x], default=0)": "max([x], default=0)", "a = b = 1": "a = b = 1", "y = [x]; y[0] = 2": "y[0]",
    "y = [x]; y[0] += 2": "y[0]", "*y, z = [x, x]": "*y", "y = sorted([x])": "sorted", "y = x in [1]": "in",
    "y = x & 1": "bitand", "y = lambda v: v": "lambda v: v", "y = [v for v in [x] if v]": "[v for v in [x] if v]",
    "y = missing": "missing", "y = table[0]": "table", "y = half * x": "half", "y = {1: x}": "{1: x}",
    "for v in [x]: break": "break", "y = [x][::2]": "::2", "y = f'{x}'": "f'{x}'", "y = 2j": "2j",
    "y = helper(x)": "global x", "y = math.pow(x, 2)": "math.pow", "del x": "del x", "y: float = x": "y: float = x"}


@pytest.mark.parametrize("line", REFUSED)
def test_a_rule_that_the_page_cannot_run_is_refused_with_the_reason(nb, line):
    text = f"def mine(x):\n    {line}\n    return x, (1,)\n"
    helper = defined("def helper(x):\n    global x_\n    return x\n".replace("x_", "y"))["helper"]
    rule = defined(text, np=np, table=[1], half=Fraction(1, 2), helper=helper)["mine"]
    node = nb.Node(1.0)
    root = nb.Node(2.0)
    root.rule, root.operands, root.slopes = rule, (node,), (1,)
    with pytest.raises(ValueError, match="the page cannot run") as error:
        nb._write_arrow(rule, {})
    named = REFUSED[line].replace("global x", "global y")
    assert f"`{named}` has no counterpart there" in str(error.value)
    assert ("'helper'" if "helper" in line else "'mine'") in str(error.value)


def test_a_rule_without_source_is_refused(nb):
    exec("def lost(x): return x, (1,)", scope := {})
    for rule, name in ((scope["lost"], "lost"), (lambda x: (x, (1,)), "<lambda>")):
        with pytest.raises(ValueError, match=f"the source of '{name}' cannot be read; define it by def, in a cell"):
            nb.explore(nb.lift(rule)(nb.Node(1)))


def test_only_a_graph_of_nodes_that_can_be_drawn_moves(nb):
    for wrong in (3, nb.Tensor([1.0]).sum(), [nb.Node(1)]):
        with pytest.raises(TypeError, match="moves the numbers of a graph of Nodes"):
            nb.explore(wrong)
    with pytest.raises(ValueError, match="boxes are too many to move"):
        nb.explore(nb.total([nb.Node(k, name=f"x{k}").tanh() for k in range(100)]))


# ---- The page, driven like a reader does ---------------------------------------------
@pytest.fixture
def example(nb):
    """L = (a · b + c) · f, of which every leaf is an input."""
    a, b, c, f = (nb.Node(x, "input", name) for x, name in ((2, "a"), (-3, "b"), (10, "c"), (-2, "f")))
    d = a * b + c
    d.name = "d"
    L = d * f
    L.name = "L"
    return L


@pytest.fixture
def network(nb):
    """A 2-3-1 network with its loss on one point."""
    model = nb.MLP(2, [3, 1], rng=random.Random(1))
    return nb.squared_loss([model([0.91, 0.9])], [1])


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def leaf(page, name):
    """Return the leaf of a name."""
    return page.get_by_role("spinbutton", name=f"{name}, ")


def says(page):
    """Return headline and detail."""
    return page.locator("p b").inner_text(), page.locator("p span").inner_text()


def output(page):
    return page.locator("output").inner_text()


def values(page):
    """Return the text of every box of a page, header and all."""
    return page.locator("[data-k^=box]").all_text_contents()


def drag(page, name, *far, shift=False):
    """Drag a leaf by some pixels, one after the other."""
    at = leaf(page, name).bounding_box()
    x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    if shift:
        page.keyboard.down("Shift")
    for d in far:
        page.mouse.move(x + d, y, steps=3)
        page.wait_for_timeout(40)
    page.mouse.up()
    if shift:
        page.keyboard.up("Shift")


def shown_by_engine(nb, root, **moved):
    """Return the text of every box if the named leaves held these numbers."""
    order = nb.graph_of(root)
    for x in order:
        x.value = moved.get(x.name, x.value)
    for x in order:
        if x.rule:
            nb.compute(x)
    root.backward()
    scene = nb._Scene(root)
    return sorted(f"{scene.title(i)}value{nb._value_text(x.value)}grad{nb._value_text(x.grad)}"
                  for i, x in enumerate(scene.nodes))


def test_all_numbers_follow_a_leaf_that_is_dragged(nb, show, example):
    page = show(nb.explore(example).html)
    assert output(page) == "L = −8" and says(page)[0].startswith("Move any white box")
    drag(page, "a", 20, 40)
    assert says(page) == ("a from 2 to 3: L from −8 to −2", "The gradient promised 6 × 1 = 6; L moved by 6.")
    assert output(page) == "L = −2"
    assert sorted(values(page)) == shown_by_engine(nb, example, a=3)
    drag(page, "c", -40, -80, shift=True)
    assert says(page)[0] == "c from 10 to 8: L from −2 to 2"
    assert sorted(values(page)) == shown_by_engine(nb, example, a=3, c=8)
    labels = page.locator("[data-k^=arrow]").all_text_contents()
    assert sorted(labels) == sorted(["1 × −2= −2"] * 2 + ["−3 × −2= 6", "3 × −2= −6", "−2 × 1= −2", "−1 × 1= −1"])
    assert page.locator(".mg-way path").get_attribute("d").count("L") >= 4
    button(page, "Reset").click()
    assert sorted(values(page)) == shown_by_engine(nb, example, a=2, c=10)
    assert page.locator(".mg-way path").get_attribute("d").count("L") == 0


def test_a_drag_that_the_browser_takes_away_leaves_the_leaf_where_it_is(nb, show, example):
    page = show(nb.explore(example).html)
    at = leaf(page, "a").bounding_box()
    page.mouse.move(at["x"] + 50, at["y"] + 20)
    page.mouse.down()
    leaf(page, "a").evaluate("""leaf => {
      leaf.dispatchEvent(new PointerEvent("pointermove", { clientX: 900 }));
      leaf.dispatchEvent(new PointerEvent("pointercancel")); }""")
    page.mouse.move(at["x"] + 300, at["y"] + 20)
    page.wait_for_timeout(100)
    assert output(page) == "L = −8" and page.locator(".mg-view > input").count() == 0
    page.mouse.up()
    leaf(page, "b").click(button="right")
    assert page.locator(".mg-view > input").count() == 0


def test_a_number_is_typed(nb, show, example):
    page = show(nb.explore(example).html)
    field = page.locator(".mg-view > input")
    for typed, told in (("4", "4"), ("2,5", "2.5"), ("−1.5", "−1.5"), ("−1e−2", "−0.01"), (" 1e3 ", "1000")):
        leaf(page, "a").click()
        assert field.get_attribute("aria-label") == "a, a number"
        page.keyboard.type(typed)  # what is there is selected
        page.keyboard.press("Enter")
        assert leaf(page, "a").get_attribute("aria-valuetext").split(",")[0] == told
        assert leaf(page, "a").evaluate("e => e === document.activeElement") and field.count() == 0
    assert sorted(values(page)) == shown_by_engine(nb, example, a=1000)
    for typed in ("2x", "", "1e999", "nan", "1.2.3"):
        leaf(page, "a").click()
        field.fill(typed)
        page.keyboard.press("Enter")
        assert says(page) == (f"“{typed}” is no number.", "a stays 1000. Type a number such as 2, -0.5 or 1e-3.")
        assert leaf(page, "a").get_attribute("aria-valuenow") == "1000" and field.count() == 0
    said = says(page)
    leaf(page, "a").click()
    page.keyboard.press("Enter")
    assert says(page) == said, "nothing was typed"
    leaf(page, "a").click()
    page.keyboard.type("7")
    page.keyboard.press("Escape")
    assert leaf(page, "a").get_attribute("aria-valuenow") == "1000" and field.count() == 0
    leaf(page, "a").click()
    page.keyboard.type("8")
    leaf(page, "b").click()  # what was typed holds, and the next field is open
    assert leaf(page, "a").get_attribute("aria-valuenow") == "8" and field.input_value() == "-3"
    page.keyboard.type("9")
    page.mouse.click(5, 5)
    assert leaf(page, "b").get_attribute("aria-valuenow") == "9" and field.count() == 0
    assert sorted(values(page)) == shown_by_engine(nb, example, a=8, b=9)


def test_keys_alone_do_it_all(nb, show, example):
    page = show(nb.explore(example).html)
    for name in ("graph", *"abcf", "", "rate", "", "whole picture"):
        page.keyboard.press("Tab")
        focus = page.evaluate("document.activeElement.getAttribute('aria-label') || ''")
        assert (focus.split(",")[0] == name) or name == "rate", (focus, name)
    for _ in range(6):
        page.keyboard.press("Shift+Tab")
    now = lambda: float(leaf(page, "b").get_attribute("aria-valuenow"))  # noqa: E731
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "b, input"
    for key, far in (("ArrowUp", 0.1), ("ArrowRight", 0.1), ("ArrowDown", -0.1), ("ArrowLeft", -0.1), ("PageUp", 1),
                     ("PageDown", -1), ("Shift+ArrowUp", 0.01), ("Shift+PageDown", -0.1)):
        before = now()
        page.keyboard.press(key)
        assert now() == pytest.approx(before + far, abs=1e-12), key
    assert str(now()) == "-3.09", "steps leave no digits of their own behind"
    for key in ("Control+ArrowUp", "Alt+ArrowUp", "q", "Home"):
        page.keyboard.press(key)
        assert now() == -3.09
    for keys in (("5",), ("Enter", "5"), ("F2", "5")):
        for key in (*keys, ".", "5", "Enter"):
            page.keyboard.press(key)
        assert now() == 5.5
        page.keyboard.press("ArrowUp")
    for key in ("-", "ArrowLeft", "ArrowLeft", "Delete", "6", "ArrowUp", "Enter"):
        page.keyboard.press(key)  # inside the field the keys are the field's
    assert now() == 6
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert says(page)[0].startswith("Step 1 downhill: L from −44 to ")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert sorted(values(page)) == shown_by_engine(nb, example)


@pytest.mark.slow
def test_a_step_is_a_tenth_of_the_size_that_a_leaf_had(nb, show):
    sizes = {"a": 300, "b": 0.05, "c": 0, "d": 99, "e": -1e6, "f": math.inf}
    page = show(nb.explore(nb.total([nb.Node(x, name=name) for name, x in sizes.items()])).html)
    for name, far in (("a", 10), ("b", 0.01), ("c", 0.1), ("d", 1), ("e", 100_000)):
        leaf(page, name).focus()
        page.keyboard.press("ArrowUp")
        assert float(leaf(page, name).get_attribute("aria-valuenow")) == pytest.approx(sizes[name] + far)
    leaf(page, "f").click()
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    assert not re.search("inf|nan", "".join(values(page)))


def test_downhill_moves_every_leaf_of_a_graph_without_weights(nb, show, example):
    page = show(nb.explore(example).html)
    before = {x.name: x.value - 0.1 * x.grad for x in nb.graph_of(example) if not x.rule}
    button(page, "Step downhill").click()
    assert sorted(values(page)) == shown_by_engine(nb, example, **before)
    assert says(page) == ("Step 1 downhill: L from −8 to −15.74", "Each of a, b, c, f moved by −0.1 × its gradient. "
                          "That promised −7.2; L moved by −7.744.")
    page.locator(".mg-rate").fill("0,01")
    button(page, "Step downhill").click()
    assert says(page)[0].startswith("Step 2 downhill: L from −15.74 to ") and "−0.01 × its" in says(page)[1]
    assert "3 values, from " in page.locator(".mg-way svg").get_attribute("aria-label")
    button(page, "Reset").click()
    button(page, "Step downhill").click()
    assert says(page)[0].startswith("Step 1 downhill: L from −8 to ")


def test_downhill_moves_only_weights_and_biases_if_there_are_any(nb, show):
    x, w, b = nb.Node(3.0, "input", "x"), nb.Node(2.0, "weight", "w"), nb.Node(1.0, "bias", "b")
    loss = (x * w + b - 5) ** 2
    page = show(nb.explore(loss).html)
    button(page, "Step downhill").click()
    now = {name: float(leaf(page, name).get_attribute("aria-valuenow")) for name in "xwb"}
    assert now == {"x": 3, "w": 2 - 0.1 * 12, "b": 1 - 0.1 * 4}
    assert "Each of w, b moved" in says(page)[1]


def test_a_rate_that_is_none_is_refused(nb, show, example):
    page = show(nb.explore(example).html)
    rate = page.get_by_label("rate")
    for typed in ("0", "-1", "x", "", "1e999"):
        rate.fill(typed)
        button(page, "Step downhill").click()
        assert says(page) == (f"“{typed}” is no rate.", "Type a number above 0, such as 0.1.")
        assert rate.get_attribute("aria-invalid") == "true" and output(page) == "L = −8"
    rate.fill("1e-3")
    button(page, "Step downhill").click()
    assert rate.get_attribute("aria-invalid") == "false" and output(page) != "L = −8"


@pytest.mark.slow
def test_the_training_of_a_network_in_the_page_is_the_kit_s(nb, show):
    model = nb.MLP(2, [3, 1], rng=random.Random(1))
    loss = nb.squared_loss([model([0.91, 0.9])], [1])
    page = show(nb.explore(loss).html)
    for _ in range(5):
        button(page, "Step downhill").click()
        loss.backward()
        for p in model.parameters():
            p.value -= 0.1 * p.grad
        loss = nb.squared_loss([model([0.91, 0.9])], [1])
    assert output(page) == f"the output = {nb._value_text(loss.value)}"
    assert loss.value < 0.01
    assert says(page)[1].startswith("Each of 13 boxes moved by −0.1 × its gradient. That promised −")


def test_a_domain_error_shows_in_its_box_and_goes_with_its_cause(nb, show):
    x, y = nb.Node(2.0, "input", "x"), nb.Node(3.0, "input", "y")
    root = (x - y * 0.5).log() * y + x.sqrt()
    page = show(nb.explore(root).html)
    start = sorted(values(page))
    leaf(page, "x").focus()
    for _ in range(6):
        page.keyboard.press("ArrowDown")
    assert says(page) == ("log of −0.1: a logarithm needs a number above 0", "So the output has no value, and no gradient "
                          "comes back. Move the numbers on, or reset.")
    bad = page.locator("[data-k^=box] text[fill='#B3261E']")
    assert bad.all_text_contents() == ["no value"]
    assert output(page) == "the output = –" and "sqrtvalue1.183grad–" in values(page)
    assert [t for t in page.locator("[data-k^=arrow]").all_text_contents() if "×" in t] == []
    down = button(page, "Step downhill")
    assert down.get_attribute("aria-disabled") == "true"
    path = page.locator(".mg-way path").get_attribute("d")
    down.click(force=True)
    assert path == page.locator(".mg-way path").get_attribute("d") and page.locator(".mg-way circle").count() == 0
    at = page.locator(".mg-bar").bounding_box()
    leaf(page, "x").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("PageUp")
    assert page.locator(".mg-bar").bounding_box() == at, "what follows the sentence stays where it is"
    assert bad.count() == 0 and down.get_attribute("aria-disabled") == "false"
    assert sorted(values(page)) == shown_by_engine(nb, root, x=2.3)
    assert says(page) == ("x from 1.3 to 2.3: the output is 0.8471", "")
    assert page.locator(".mg-way path").get_attribute("d").count("M") == 2, "the line has a gap"
    button(page, "Reset").click()
    assert sorted(values(page)) == start


def test_an_error_of_one_s_own_shows_in_its_own_words(nb, show):
    rule = defined("def picky(x):\n    if x > 2: raise ValueError('</script><b>no</b>')\n    return x, (1,)\n")["picky"]
    page = show(nb.explore(nb.lift(rule)(nb.Node(1.0, name="x")) * 2).html)
    leaf(page, "x").focus()
    page.keyboard.press("PageUp")
    page.keyboard.press("ArrowUp")
    assert says(page)[0] == "picky of 2.1: </script><b>no</b>"


def test_of_two_errors_the_first_is_told_as_the_engine_does(nb, show):
    x = nb.Node(1.0, "input", "x")
    page = show(nb.explore(x.sqrt() + x.log()).html)
    leaf(page, "x").focus()
    page.keyboard.press("-")
    page.keyboard.type("4")
    page.keyboard.press("Enter")
    assert says(page)[0] == "sqrt of −4: a square root needs a number that is not negative"


def test_a_script_of_the_page_can_run_the_graph(nb, show, example):
    page = show(nb.explore(example).html)
    order = nb.graph_of(example)
    value, slopes, grad, fault = page.locator(".mg-explore").evaluate(
        "(root, given) => root.run(given)", [None if x.rule else x.value for x in order])
    assert (value, grad, fault) == ([x.value for x in order], [x.grad for x in order], None)
    assert [s for s in slopes if s] == [[*x.slopes] for x in order if x.rule]


def test_two_on_a_page_move_apart(nb, show, example):
    page = show(*[nb.explore(example).html] * 2)
    first, second = (page.locator(".mg-explore").nth(k) for k in (0, 1))
    leaf(first, "a").focus()
    page.keyboard.press("PageUp")
    button(second, "Step downhill").click()
    assert (output(first), output(second)) == ("L = −2", "L = −15.74")


def test_what_a_screen_reader_finds(nb, show, example):
    page = show(nb.explore(example).html)
    root = page.get_by_role("group", name="A graph whose numbers can be moved")
    assert root.count() == 1 and root.get_by_role("group", name="graph").count() == 2
    assert [root.get_by_role("spinbutton", name=f"{name}, input").count() for name in "abcf"] == [1] * 4
    assert leaf(page, "b").get_attribute("aria-valuenow") == "-3"
    assert leaf(page, "b").get_attribute("aria-valuetext") == "−3, gradient −4"
    live = page.locator("[aria-live]")
    assert live.count() == 1
    leaf(page, "b").focus()
    page.keyboard.press("ArrowUp")
    assert leaf(page, "b").get_attribute("aria-valuetext") == "−2.9, gradient −4"
    assert live.get_attribute("aria-live") == "polite"
    assert live.inner_text().startswith("b from −3 to −2.9: L from −8 to ")
    at = leaf(page, "b").bounding_box()
    page.mouse.move(at["x"] + 9, at["y"] + 9)
    page.mouse.down()
    page.mouse.move(at["x"] + 99, at["y"] + 9)
    page.wait_for_timeout(100)
    assert live.get_attribute("aria-live") == "off", "a drag is not told step by step"
    page.mouse.up()
    assert root.get_by_role("img", name="L as it went").count() == 1


@pytest.mark.slow
def test_the_whole_picture_and_back(nb, show, network):
    page = show(nb.explore(network).html, width=600)
    view, fit = page.locator(".mg-view"), button(page, "whole picture")
    wide = "v => v.scrollWidth > v.clientWidth"
    assert view.evaluate(wide) and fit.get_attribute("aria-pressed") == "false"
    fit.click()
    assert not view.evaluate(wide) and fit.get_attribute("aria-pressed") == "true"
    fit.click()
    assert view.evaluate(wide)


@pytest.mark.parametrize("width", [480, *[pytest.param(wide, marks=pytest.mark.slow) for wide in (830, 1280)]])
def test_the_page_stays_as_wide_as_it_is_and_letters_legible(nb, show, example, network, width):
    page = show(nb.explore(example).html, nb.explore(network).html, width=width)
    for k in range(2):
        root = page.locator(".mg-explore").nth(k)
        button(root, "Step downhill").click()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert root.locator(".mg-way svg").bounding_box()["width"] > 60
        assert 0.9 <= root.locator("svg.mg-graph").evaluate("s => s.getScreenCTM().a") <= 1.2
        out = root.evaluate("""p => [...p.querySelectorAll('[data-k^=box]')].flatMap(g => {
          const box = g.querySelector('rect').getBBox();
          return [...g.querySelectorAll('text')].map(t => [t.getBBox(), t.textContent])
            .filter(([t]) => t.x < box.x || t.x + t.width > box.x + box.width).map(([, text]) => text); })""")
        assert out == []
    leaf(page.locator(".mg-explore").nth(0), "a").click()
    well = page.locator(".mg-well").first.bounding_box()
    field = page.locator(".mg-view > input").bounding_box()
    assert abs(field["x"] + field["width"] / 2 - well["x"] - well["width"] / 2) < 2
    assert abs(field["y"] + field["height"] / 2 - well["y"] - well["height"] / 2) < 2


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible_in_light_and_dark(nb, show, example, network, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = show("<meta name=color-scheme content='light dark'><h1>graphs</h1>", nb.explore(example).html,
                nb.explore(network).html, color_scheme=scheme)
    leaf(page, "a").click()
    for field in (True, False):
        found = axe.Axe().run(page).response["violations"]
        assert [(rule["id"], node["html"][:200]) for rule in found for node in rule["nodes"]] == []
        assert page.locator(".mg-view > input").count() == field
        page.keyboard.press("Escape")
    ink, back = page.evaluate("[getComputedStyle(document.querySelector('.mg-way path')).stroke, "
                              "getComputedStyle(document.documentElement).backgroundColor]")
    assert ink != back


def test_without_scripts_there_is_a_still_picture(nb, unscripted, example):
    made = nb.explore(example)
    unrun = made.html.split("<script>")[0]
    image = urllib.parse.unquote(html.unescape(re.search(r'src="data:image/svg\+xml,([^"]+)"', unrun)[1]))
    assert "Run this cell to move its numbers." in unrun and "−3 × −2" in image
    assert "L: value −8, grad 1" in re.search(r'alt="([^"]*)"', unrun)[1] == html.escape(made.alt)
    assert made._repr_mimebundle_() == {"text/html": made.html, "text/plain": made.alt}
    width, words = unscripted(made.html)
    assert width > 500 and words == "Run this cell to move its numbers."


def test_exploring_changes_no_number_and_brings_gradients_up_to_date(nb, example):
    example.backward(7)
    a = next(x for x in nb.graph_of(example) if x.name == "a")
    a.value = 3
    first, again = nb.explore(example).html, nb.explore(example).html
    assert first == again and (a.value, a.grad, example.value, example.grad) == (3, 6, -2, 1)


def test_sixty_boxes_follow_within_a_frame(nb, show):
    xs = [nb.Node(0.1 * k + 0.3, "weight", f"w{k}") for k in range(20)]
    layer = [(x * xs[k - 1]).tanh() for k, x in enumerate(xs)]
    root = nb.total(layer[:19])
    made = nb.explore(root)
    assert len(made.stage.scene.boxes) >= 56
    page = show(made.html)
    spent = page.evaluate("""() => {
      const leaf = document.querySelector("[role=spinbutton]"), spent = [];
      for (let k = 0; k < 60; k++) {
        const begin = performance.now();
        leaf.dispatchEvent(new KeyboardEvent("keydown", { key: k % 2 ? "ArrowUp" : "PageDown" }));
        document.body.offsetHeight;
        spent.push(performance.now() - begin); }
      return spent.sort((a, b) => a - b); }""")
    print(f"a move: {spent[30]:.1f} ms, the slowest {spent[-1]:.1f} ms")
    assert spent[30] < 40
