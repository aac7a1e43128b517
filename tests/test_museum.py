"""The museum of bugs and the broken engines: what is shown is what runs, fails as it says and, mended, is right."""
import html
import math
import random
import re
import sys
from collections import Counter
from html.parser import HTMLParser

import numpy as np
import pytest
from cells import code_cells, read, source
from test_page import PROSE, headings
from test_rooms import OWN

ENGINES = range(1, 11)


class Plain(float):
    """A plain number that an expression of the notebook can be computed with."""

    def tanh(self):
        """Return its hyperbolic tangent."""
        return math.tanh(self)

    def relu(self):
        """Return it, or 0 if it is negative."""
        return max(0.0, float(self))


def value(code, name, shift):
    """Return L of an expression in plain numbers, the leaf `name` moved by `shift`."""
    at = 0  # the nodes of an expression are made in the order of their names

    def make(number):
        nonlocal at
        at += 1
        return Plain(number + shift * ("ab"[at - 1] == name))
    exec(code, scope := {"Node": make})
    return float(scope["L"])


def difference(code, name="a"):
    """Return a central difference of an expression of a few operations."""
    return (value(code, name, 1e-5) - value(code, name, -1e-5)) / 2e-5


@pytest.fixture(scope="module")
def pages(nb):
    """The exhibits' HTML, one text each."""
    return re.findall(r"<details>.*?</details>", nb.museum()._repr_mimebundle_()["text/html"], re.S)


def plain(page):
    """Return HTML without its tags."""
    return html.unescape(re.sub("<[^>]+>", "", page))


def shown(page):
    """Return (faulty source, mended source, expression, tables as rows of texts) as an exhibit shows them."""
    listing, code = [plain(text) for text in re.findall("<pre><code>(.*?)</code></pre>", page, re.S)]
    [mended] = re.findall("<b>Mended:</b> <code>(.*?)</code>", page)
    lines = listing.split("\n")
    [at] = [k for k, line in enumerate(lines) if line.endswith("  ← here")]
    lines[at] = lines[at].removesuffix("  ← here")
    indent = lines[at][:len(lines[at]) - len(lines[at].lstrip())]
    right = [*lines[:at], indent + html.unescape(mended), *lines[at + 1:]]
    tables = [[[plain(cell) for cell in re.findall("<t[dh][^>]*>(.*?)</t[dh]>", row)] for row in
               re.findall("<tr>(.*?)</tr>", table)] for table in re.findall("<table>(.*?)</table>", page, re.S)]
    return "\n".join(lines), "\n".join(right), code, tables


def made(nb, text):
    """Return the function that `text` defines, among the notebook's names."""
    exec(text, scope := dict(vars(nb)))
    return scope[re.match(r"def (\w+)", text)[1]]


def nodes_of(nb, code):
    """Return the leaf a and the last node of an expression."""
    exec(code, scope := {"Node": nb.Node})
    return scope["a"], scope["L"]


def claim(nb, engine, code, passes=1):
    """Return the gradient of a that an engine fills in, from new nodes."""
    a, root = nodes_of(nb, code)
    for _ in range(passes):
        engine(root)
    return a.grad


# ---- the museum

def test_six_exhibits_of_five_to_ten_lines(nb, pages):
    assert len(pages) == 6 == len(nb._EXHIBITS)
    rooms = next(text for _, cell_id, text in code_cells() if cell_id == "room-show")
    for page in pages:
        faulty, mended, _, _ = shown(page)
        assert 5 <= len(faulty.split("\n")) <= 10 and faulty + "\n" in rooms
        assert sum(a != b for a, b in zip(faulty.split("\n"), mended.split("\n"), strict=True)) == 1


@pytest.mark.parametrize("at, swap, passes, claims", [
    (0, ("c * b", "b * c"), 1, (14, 26)), (2, ("a + a", "a + 3"), 1, (1, 1)), (3, ("", ""), 2, (24, 72))])
def test_faults_that_a_gradient_check_finds(nb, pages, at, swap, passes, claims):
    faulty, mended, code, [[_, *rows]] = shown(pages[at])
    codes, rounds = (code, code.replace(*swap)), (1, passes)
    wanted = []
    for text, n in zip(codes, rounds):
        true = difference(text)
        got = claim(nb, made(nb, faulty), text, n)
        assert claim(nb, made(nb, mended), text, n) == pytest.approx(true, rel=1e-8)
        wanted.append([f"{true:.4g}", f"{true:.4g}", f"{got:g}",
                       "✓ right" if math.isclose(got, true, rel_tol=1e-6) else "✗ wrong"])
    assert [row[1:] for row in rows] == wanted and [float(row[3]) for row in rows] == [*claims]
    assert any(row[-1] == "✗ wrong" for row in rows)


def calls(function, *arguments):
    """Return how often `function` is called while it runs, without its first call."""
    count = 0

    def watch(frame, event, _):
        nonlocal count
        count += event == "call" and frame.f_code is function.__code__
    sys.setprofile(watch)
    try:
        function(*arguments)
    finally:
        sys.setprofile(None)
    return count - 1


def test_every_path_is_right_and_too_dear(nb, pages):
    faulty, mended, code, [[_, check], [_, *rows]] = shown(pages[1])
    for row in rows:
        n, cost, own = int(row[0]), [], code.replace("range(2)", f"range({row[0]})")
        for text in (mended, faulty):
            a, root = nodes_of(nb, own)
            order = nb.graph_of(root)
            for node in order:
                node.grad, node.waiting = 0, sum(x is node for user in order for x in user.operands)
            root.waiting = 1
            cost.append(calls(made(nb, text), root))
            assert a.grad == 2**n == pytest.approx(difference(own), rel=1e-6)
        assert cost == [2 * n, 2 * (2**n - 1)] == [int(text.replace(",", "")) for text in row[1:]]
    assert [int(row[0]) for row in rows] == [2, 6, 12] and check == ["a", "4", "4", "4", "✓ right"]


def test_the_bias_grows_and_learns_noise(nb, pages):
    faulty, mended, code, [[_, *check], [_, *noise]] = shown(pages[4])
    images, sums = np.array([[1.0], [2.0]]), lambda w, b: (np.array([[1.0], [2.0]]) * w + b).sum()
    true = [(sums(3 + h, g) - sums(3 - h, -g)) / 2e-6 for h, g in ((1e-6, 0), (0, 1e-6))]
    for text, shape, grads in ((faulty, (2, 1), ["3", "1, 1"]), (mended, (1,), ["3", "2"])):
        exec(code, scope := {**vars(nb), "_growing_bias": made(nb, text)})
        scope["L"].backward()
        assert scope["bias"].shape == shape and (scope["images"].value == images).all()
        assert [", ".join(f"{g:g}" for g in scope[name].grad.ravel()) for name in ("weight", "bias")] == grads
        assert [row[2 if text is mended else 3] for row in check] == grads
    assert [row[1] for row in check] == [f"{t:.4g}" for t in true] == ["3", "2"]
    assert [row[-1] for row in check] == ["✓ right", "✗ wrong"]
    right, wrong = noise
    assert right[:2] == ["mended", "(1,)"] and right[2] == right[3] and wrong == ["faulty", "(40, 1)", "100%", wrong[3]]
    assert 0.25 < float(wrong[3].rstrip("%")) / 100 < 0.75


def test_the_noise_is_learned_as_numpy_learns_it(nb):
    """The right layer ends where the normal equations say, so 72 % is no accident of the training."""
    rng = np.random.default_rng(1)
    images, labels = rng.uniform(-1, 1, (40, 8)), rng.choice([-1.0, 1.0], (40, 1))
    wide = np.hstack([images, np.ones((40, 1))])
    best = wide @ np.linalg.lstsq(wide, labels, rcond=None)[0]
    share = np.mean((best > 0) == (labels > 0))
    assert nb._learn_noise(made(nb, nb._mended_source(nb._EXHIBITS[4]))) == ["(1,)", f"{share:.0%}", f"{share:.0%}"]


def test_the_recursion_ends_at_a_thousand(nb, pages):
    faulty, mended, code, [[_, *rows]] = shown(pages[5])
    assert [row[0] for row in rows] == [f"a, {n:,} additions" for n in (10, 100, 1000)]
    assert [row[1:] for row in rows] == [["1", "1", "1", "✓ right"]] * 2 + [["1", "1", "RecursionError", "✗ stops"]]
    long = code.replace("1000", str(2 * sys.getrecursionlimit()))
    with pytest.raises(RecursionError):
        claim(nb, made(nb, faulty), long)
    assert claim(nb, made(nb, mended), long) == 1 == claim(nb, made(nb, faulty), code.replace("1000", "100"))


def test_the_last_sweep_is_that_of_chapter_2(nb):
    for seed in range(20):
        _, root = some_graph(nb, seed)
        nb.sweep_backward(root)
        right = [x.grad for x in nb.graph_of(root)]
        nb._sweep(dict.fromkeys(nb.graph_of(root)))
        assert [x.grad for x in nb.graph_of(root)] == pytest.approx(right, nan_ok=True)


class Tags(HTMLParser):
    """Collects the tags of a page, and checks that they close."""

    def __init__(self):
        super().__init__()
        self.seen, self.open = Counter(), []

    def handle_starttag(self, tag, attrs):
        self.seen[tag] += 1
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_small_static_and_well_formed(nb, pages):
    bundle = nb.museum()._repr_mimebundle_()
    page, tags = bundle["text/html"], Tags()
    tags.feed(page)
    assert tags.open == [] and tags.seen["details"] == tags.seen["summary"] == 6 and len(page) < 20_000
    assert set(tags.seen) <= set("details summary b u p a pre code table caption thead tbody tr th td br".split())
    assert "`" not in re.sub("<pre>.*?</pre>", "", page, flags=re.S) and page.count("← here") == 6
    anchors = {title.strip().replace(" ", "-") for _, text in PROSE for _, title in headings(text)}
    links = re.findall('href="#([^"]+)"', page)
    assert len(links) >= 5 and set(links) <= anchors
    said = bundle["text/plain"]
    assert said == repr(nb.museum()) and "<" not in said and "](" not in said
    for exhibit, one in zip(nb._EXHIBITS, pages):
        _, _, code, tables = shown(one)
        assert all(text in said for text in (exhibit.title, code, *["  ".join(row) for t in tables for row in t]))


def smaller(root):
    """Return whether a < b: <i>."""
    return root.operands[0].value < root.operands[1].value


def test_a_less_than_sign_in_a_source_is_escaped(nb):
    exhibit = nb._EXHIBITS[2]._replace(title="<i>", lived="<i>", code="a = Node(3)\nL = a + a  # <i> & more", sees="<i>",
                                       finds="<i>", mended="<i>", faulty=smaller, tables=lambda exhibit: [],
                                       fault="return root.operands[0].value < root.operands[1].value")
    page = nb._Museum([exhibit])._repr_mimebundle_()["text/html"]
    assert "<i>" not in page and page.count("&lt;i&gt;") == 7 and "&amp; more" in page
    assert "<b><u>return root.operands[0].value &lt; root.operands[1].value</u>  ← here</b>" in page


def test_nudging_is_exact_and_leaves_no_trace(nb):
    for seed in range(30):
        leaves, root = some_graph(nb, seed)
        kept = [x.value for x in nb.graph_of(root)]
        used = [x for x in leaves if x in nb.graph_of(root)]
        root.backward()
        for leaf in used:
            assert nb._nudged(root, leaf) == pytest.approx(leaf.grad, rel=1e-6, abs=1e-6 * max(1, abs(root.value)))
        assert [x.value for x in nb.graph_of(root)] == kept
    big = nb.Node(3_000_000)
    assert nb._nudged(big**3, big) == pytest.approx(3 * 9e12, rel=1e-8) and type(big.value) is int
    edge = nb.Node(0.0)
    assert math.isnan(nb._nudged(edge.sqrt(), edge)) and edge.value == 0.0


def deep(levels, work):
    """Return work(), called from many levels down."""
    return deep(levels - 1, work) if levels else work()


def test_it_says_the_same_wherever_it_is_called(nb, monkeypatch):
    before, limit = nb.museum()._repr_mimebundle_(), sys.getrecursionlimit()
    assert nb.museum()._repr_mimebundle_() == before == deep(300, nb.museum)._repr_mimebundle_()
    assert sys.getrecursionlimit() == limit
    sys.setrecursionlimit(limit + 3000)
    try:
        assert deep(2000, nb.museum)._repr_mimebundle_() == before and sys.getrecursionlimit() == limit + 3000
    finally:
        sys.setrecursionlimit(limit)


def test_it_leaves_a_readers_things_alone(nb, monkeypatch):
    said = nb.museum()._repr_mimebundle_()
    a, L = nodes_of(nb, "a = Node(3)\nL = a * a")
    L.backward()
    things = {"a": a, "L": L, "images": 5, "weight": 5, "bias": 5, "y": 5, "b": 5, "c": 5, "_": 5, "SLOPES": 5, "engine": 5}
    for name, thing in (dict.fromkeys(OWN, 5) | things).items():
        monkeypatch.setattr(nb, name, thing, raising=False)
    random.seed(7)
    np.random.seed(7)
    states = random.getstate(), np.random.get_state()[1].tolist()
    assert nb.museum()._repr_mimebundle_() == said and (a.value, a.grad, L.value, L.grad) == (3, 6, 9, 1)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states
    assert all(getattr(nb, name) is thing for name, thing in things.items())


def test_without_chapter_5_it_says_what_to_run(nb, monkeypatch):
    said = nb.museum()._repr_mimebundle_()
    monkeypatch.delattr(nb, "Tensor")
    less = nb.museum()._repr_mimebundle_()
    for kind in said:
        assert "run that first" in less[kind] and "run that first" not in said[kind]
        assert "RecursionError" in less[kind] and "(40, 1)" not in less[kind]


def test_a_source_that_cannot_be_read_is_told(nb):
    exec("def lost(root):\n    return 1", scope := {})
    with pytest.raises(ValueError, match="source of 'lost' cannot be read: run its folded cell again"):
        nb._source_of(scope["lost"])


# ---- engines with one fault

def some_graph(nb, seed, without=(), tree=False):
    """Return (leaves, root) of a random graph of what the small engine knows."""
    rng = random.Random(seed)
    leaves = [nb.Node(rng.choice((-1, 1)) * rng.uniform(0.3, 2), name=f"x{k}") for k in range(8 if tree else 3)]
    pool = [*leaves]
    ways = {"add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "neg": lambda a, b: -a,
            "div": lambda a, b: a / b if abs(b.value) > 0.2 else None,
            "power": lambda a, b: a**b if 0.1 < a.value < 4 and abs(b.value) < 3 else a**2 if abs(a.value) > 0.1 else None,
            "exp": lambda a, b: a.exp() if a.value < 2 else None, "tanh": lambda a, b: a.tanh(),
            "relu": lambda a, b: a.relu()}
    ways = [way for name, way in ways.items() if name not in without]
    while len(pool) < 2 if tree else len(pool) < 12:
        node = rng.choice(ways)(rng.choice(pool), rng.choice(pool))
        if node is not None and abs(node.value) < 1e3:
            pool.append(node)
    if tree:
        while len(pool) > 1:
            a, b = rng.sample(pool, 2)
            node = rng.choice(ways)(a, b)
            if node is not None and abs(node.value) < 1e3:
                pool = [x for x in pool if x not in (a, b)] + [node if b in node.operands else node + b]
    return leaves, pool[-1]


def grads(nb, run, root):
    """Return every gradient below root after run(root)."""
    order = nb.graph_of(root)
    for node in order:
        node.grad = None
    run(root)
    return [node.grad for node in order]


def same(some, others):
    """Return whether two lists of gradients agree, a nan with a nan."""
    return all(x is not None and (math.isnan(x) and math.isnan(y) or math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-9))
               for x, y in zip(some, others, strict=True))


def told(nb, capsys, *arguments):
    """Return the lines that find_bug prints."""
    assert nb.find_bug(*arguments) is None
    return capsys.readouterr().out.splitlines()


def spot(nb, capsys, k):
    """Return (line of the fault, what find_bug says there)."""
    yes = {}
    for line in range(1, len(nb.broken_engine(k).lines) + 1):
        said = told(nb, capsys, nb.broken_engine(k), line)
        assert said[0].startswith(f"Yes, line {line} is the right spot: ") or said[0] == f"Line {line} is right."
        if said[0].startswith("Yes"):
            yes[line] = said
    [(line, said)] = yes.items()
    return line, said


def listing(engine):
    """Return the lines of code that an engine shows, without their numbers."""
    rows = [re.fullmatch(r" ?(\d+)(?:  (.*))?", row) for row in str(engine).splitlines()]
    assert [int(row[1]) for row in rows] == [*range(1, len(rows) + 1)]
    return [row[2] or "" for row in rows]


def built(nb, lines):
    """Return the function `engine` that a listing defines, with no more than it says it needs."""
    exec("\n".join(lines), scope := {"math": math, "Counter": Counter, "graph_of": nb.graph_of})
    return scope["engine"]


@pytest.mark.parametrize("k", ENGINES)
def test_the_listing_is_what_runs_and_one_line_mends_it(nb, capsys, k):
    line, said = spot(nb, capsys, k)
    engine, lines = nb.broken_engine(k), listing(nb.broken_engine(k))
    assert 15 <= len([text for text in lines if text]) <= 25 and all(len(text) <= 88 for text in lines)
    [mended] = [text.removeprefix("Mended: ") for text in said if text.startswith("Mended: ")]
    text, wrong = lines[line - 1], 0
    right = [*lines[:line - 1], text[:len(text) - len(text.lstrip())] + mended, *lines[line:]]
    assert right == nb._SMALL_ENGINE.splitlines() and text.strip() != mended
    repaired, as_shown = built(nb, right), built(nb, lines)
    for seed in range(200):
        _, root = some_graph(nb, seed)
        true = grads(nb, lambda root: root.backward(), root)
        assert same(grads(nb, repaired, root), true)
        claimed = [grads(nb, run, root) for run in (engine, as_shown, engine, as_shown)]
        assert same(claimed[0], claimed[1]) and same(claimed[2], claimed[3])
        wrong += not all(same(one, true) for one in claimed)
    assert wrong > 10


FREE = {1: {"without": ["tanh"]}, 2: {"without": ["div"]}, 4: {"tree": True}, 7: {"without": ["mul"]}, 8: {"without": ["power"]},
        9: {"without": ["relu"]}, 10: {"without": ["sub", "mul", "div", "power"]}, 6: {}}


@pytest.mark.parametrize("k", FREE)
def test_it_is_right_but_where_its_fault_shows(nb, k):
    for seed in range(100):
        _, root = some_graph(nb, seed, **FREE[k])
        assert same(grads(nb, nb.broken_engine(k), root), grads(nb, lambda root: root.backward(), root))


def test_those_that_are_nearly_always_wrong_are_right_here(nb):
    a, b = nb.Node(3.0), nb.Node(2.0)
    for k, root in ((3, a * b), (3, a.tanh()), (5, a - b), (5, a * b - 5)):
        assert same(grads(nb, nb.broken_engine(k), root), grads(nb, lambda root: root.backward(), root))


@pytest.mark.parametrize("k", ENGINES)
def test_what_the_right_spot_says_is_measured(nb, capsys, k):
    line, (yes, mended, code, *rows) = spot(nb, capsys, k)
    code = code.removeprefix("It shows in: ")
    assert rows and len(yes) > 40
    names = re.findall(r"\b([ab]) = Node", code)
    exec(code, scope := {"Node": nb.Node})
    engine = built(nb, listing(nb.broken_engine(k)))
    found = {}
    for n in (1, 2):
        engine(scope["L"])
        for name in names:
            found.setdefault(name, []).append(scope[name].grad)
    wrong = [name for name in names if any(not math.isclose(x, difference(code, name), rel_tol=1e-6, abs_tol=1e-6)
                                           for x in found[name])]
    for name, row in zip(wrong, rows, strict=True):
        one, two = [f"{x:.4g}" for x in found[name]]
        again = f", and {two} in a second pass" if one != two else ""
        assert row == f"{name}: nudged {difference(code, name) + 0.0:.4g}, this engine {one}{again}".replace(" -0,", " 0,")


@pytest.mark.parametrize("k", ENGINES)
def test_a_miss_helps_more_each_time_and_never_tells_the_line(nb, capsys, k):
    line, (_, mended, code, *rows) = spot(nb, capsys, k)
    engine, said = nb.broken_engine(k), []
    for miss in [n for n in (12, 1, 1, 2) if n != line]:
        first, *hints = told(nb, capsys, engine, miss)
        said.append(hints)
        assert first == f"Line {miss} is right."
        for text in [*hints, *told(nb, capsys, engine)]:
            assert str(line) not in re.findall(r"(?<![\d.])\d+(?!\.?\d)", text) and mended.removeprefix("Mended: ") not in text
    one, two, three, four = said
    assert len(one) == 1 and one[0].startswith("Compare ") and two[0] == one[0] and two[2:] == rows
    assert two[1] == "This shows the fault: " + code.removeprefix("It shows in: ")
    where = "in" if line <= 11 else "below"
    assert three == four == [*two, f"The fault is {where} the table of slopes."]
    assert told(nb, capsys, nb.broken_engine(k), 12)[1:] == one


def test_an_expression_is_compared_with_nudging(nb, capsys):
    tanh, div, shared = [nb.broken_engine(k) for k in (1, 2, 6)]
    x, y, z = nb.Node(0.5, name="x"), nb.Node(2.0, name="y"), nb.Node(3)
    x.grad = 77
    slope = 1 / math.cosh(0.5) ** 2
    assert told(nb, capsys, tanh, x.tanh() * y) == [
        f"x: nudged {2 * slope:.4g}, this engine {2 * (1 - math.tanh(0.5)):.4g}",
        "This expression shows the fault: leaves that differ, 1 of 2."]
    fine = ["All gradients are as nudged: this expression does not show the fault."]
    assert told(nb, capsys, div, x.tanh() * y) == fine == told(nb, capsys, tanh, x) == told(nb, capsys, tanh, (0 * x).tanh())
    assert told(nb, capsys, shared, (2 * z) ** 2)[0] == (
        "the leaf of value 3: nudged 24, this engine 24, and 72 in a second pass")
    assert told(nb, capsys, shared, (2 * z) ** 2) == told(nb, capsys, shared, (2 * z) ** 2)
    assert told(nb, capsys, div, nb.Node(3, "constant") * 2)[0].startswith("This expression has no leaf but constants")
    assert (x.grad, y.grad, z.grad, x.value, z.value) == (77, None, None, 0.5, 3) and type(z.value) is int


def test_leaves_are_called_by_their_variables_where_the_drawer_is(nb, capsys, monkeypatch):
    monkeypatch.setattr(nb, "mine", nb.Node(6.0), raising=False)
    root = 1 / nb.mine
    assert told(nb, capsys, nb.broken_engine(2), root)[0].startswith("mine: nudged -0.02778, this engine 0.02778")
    monkeypatch.delattr(nb, "_Words")
    assert told(nb, capsys, nb.broken_engine(2), root)[0].startswith("the leaf of value 6: ")


def test_many_leaves_are_not_all_told(nb, capsys):
    root = sum(nb.Node(k / 10 + 0.1).tanh() for k in range(20))
    said = told(nb, capsys, nb.broken_engine(1), root)
    assert len(said) == 10 and said[8:] == ["… and 12 more", "This expression shows the fault: leaves that differ, 20 of 20."]


def test_a_corner_is_no_fault(nb, capsys):
    at, half = nb.Node(0.0), nb.Node(-4.0)
    assert told(nb, capsys, nb.broken_engine(1), at.relu() * half)[0].startswith("All gradients")
    assert told(nb, capsys, nb.broken_engine(1), half**2)[0].startswith("All gradients")
    assert told(nb, capsys, nb.broken_engine(1), half ** nb.Node(2))[0].startswith("All gradients")


def test_a_deep_expression_is_no_matter(nb, capsys):
    root = first = nb.Node(1.0)
    for _ in range(3000):
        root = root + 1
    assert told(nb, capsys, nb.broken_engine(1), root)[0].startswith("All gradients") and first.grad is None


def test_how_to_go_on(nb, capsys):
    for k in ENGINES:
        said = "\n".join(told(nb, capsys, nb.broken_engine(k)))
        assert f"Engine {k} has one fault" in said and "find_bug(engine, L)" in said and "nudging" in said
        assert "right" not in said and "passed" not in said


@pytest.mark.parametrize("k", [0, 11, -1, 99])
def test_there_are_ten_engines(nb, k):
    with pytest.raises(ValueError, match=f"there are engines 1 to 10; got {k}"):
        nb.broken_engine(k)


@pytest.mark.parametrize("k", [True, 1.0, "1", None, [1]])
def test_the_number_of_an_engine_is_whole(nb, k):
    with pytest.raises(TypeError, match=f"whole number, 1 to 10; got {type(k).__name__}"):
        nb.broken_engine(k)


def test_numpys_whole_numbers_will_do(nb, capsys):
    assert str(nb.broken_engine(np.int64(3))) == str(nb.broken_engine(3)) != str(nb.broken_engine()) == str(nb.broken_engine(1))
    assert told(nb, capsys, nb.broken_engine(1), np.int64(10))[0].startswith("Yes")


@pytest.mark.parametrize("pin", [True, 2.0, "7", [7], np.array([1, 2])])
def test_a_pin_is_a_line_or_a_node(nb, pin):
    with pytest.raises(TypeError, match=f"put the pin on a line.*got {type(pin).__name__}"):
        nb.find_bug(nb.broken_engine(), pin)


def test_what_else_is_refused_in_words(nb):
    engine, x = nb.broken_engine(), nb.Node(2.0)
    for line in (0, 27, -1):
        with pytest.raises(ValueError, match=f"lines 1 to 26; got {line}"):
            nb.find_bug(engine, line)
    for thing in (3, None, lambda root: None, nb.broken_engine):
        with pytest.raises(TypeError, match=r"an engine that broken_engine\(k\) returned; got"):
            nb.find_bug(thing, 1)
    for thing in (3.0, None, "L", nb.Tensor([1.0])):
        with pytest.raises(TypeError, match="the last Node of an expression; got"):
            engine(thing)
    with pytest.raises(TypeError, match="got Tensor"):
        nb.find_bug(engine, nb.Tensor([1.0]))
    for run in (lambda: engine(x.sqrt()), lambda: nb.find_bug(engine, x.sqrt())):
        with pytest.raises(ValueError, match="knows add, sub, mul, div, power, neg, exp, tanh, relu; leave out sqrt"):
            run()
    with pytest.raises(ZeroDivisionError, match="this small engine has no slope here .*: choose other numbers"):
        engine(nb.Node(0.0) ** 0.5)
    assert x.grad is None


def test_a_reader_may_use_any_name(nb, capsys, monkeypatch):
    before = [told(nb, capsys, nb.broken_engine(k), pin) for k in ENGINES for pin in (1, 10, 23)]
    for name in [*OWN, *"a b L engine SLOPES made bug waiting grads todo".split()]:
        monkeypatch.setattr(nb, name, 5, raising=False)
    assert [told(nb, capsys, nb.broken_engine(k), pin) for k in ENGINES for pin in (1, 10, 23)] == before
    root = nb.Node(3.0) * 2
    nb.broken_engine(2)(root)
    assert root.operands[0].grad == 2


def test_an_engine_shows_its_listing_and_nothing_else(nb):
    for k in ENGINES:
        engine = nb.broken_engine(k)
        page = engine._repr_html_()
        assert plain(page) == str(engine) == repr(engine) and set(re.findall("<(/?[a-z]+)", page)) == {
            "pre", "code", "/pre", "/code"}
        assert nb._BUGS[k - 1].name not in page and len(page) < 3000
    assert len({str(nb.broken_engine(k)) for k in ENGINES}) == 10


def test_two_engines_share_nothing(nb):
    _, root = nodes_of(nb, "a = Node(3)\nL = (2 * a) ** 2")
    one, two = nb.broken_engine(6), nb.broken_engine(6)
    first = grads(nb, one, root)
    assert same(grads(nb, two, root), first) and not same(grads(nb, one, root), first)
    one.pinned.append(1)
    assert two.pinned == [] == nb.broken_engine(6).pinned


def test_the_cells_of_chapter_6(nb):
    ids = [cell["id"] for cell in read()["cells"]]
    at = ids.index("play-museum")
    assert ids[at:at + 6] == ["play-museum", "play-museum-show", "play-bug", "play-bug-stub", "play-bug-solution", "play-race"]
    texts = [source(cell) for cell in read()["cells"][at:at + 5]]
    assert texts[1].strip() == "museum()" and sum(len(texts[k].split()) for k in (0, 2, 4)) <= 170
    assert "**Try:**" in texts[0] and "**See:**" in texts[0] and "**Try:**" in texts[2] and "**See:**" in texts[2]
