"""check and practice: every faulty way of thinking is recognized, and a right answer is never called wrong."""
import math
import random
import re
from fractions import Fraction

import numpy as np
import pytest
from cells import load

PHRASES = {  # what the words for each slip must hold
    "last": "only the last report", "first": "only the first report", "forgotten": "the slope alone",
    "added": "added slope and gradient", "partners": "the partners are not swapped", "sign": "a minus is lost",
    "bend": "the other side of the bend", "value": "the value of",
    "factor": "does not come down as a factor", "exponent": "is not lowered by one"}


# ---- an engine of our own, with slips of its own

def slopes_of(node, slip=None):
    """Return the slopes of a node by the school's rules, or as `slip` has them."""
    v = [x.value for x in node.operands]
    kind = node.rule.__name__
    if kind == "add":
        return [1, 1]
    if kind == "sub":
        return [1, 1 if slip == "sign" else -1]
    if kind == "neg":
        return [1 if slip == "sign" else -1]
    if kind == "mul":
        return v if slip == "partners" else v[::-1]
    if kind == "div":
        return [1 / v[1], v[0] / v[1] ** 2 * (1 if slip == "sign" else -1)]
    if kind == "relu":
        return [int((v[0] > 0) != (slip == "bend"))]
    if kind == "absolute":
        return [math.copysign(1, v[0]) * (v[0] != 0) * (-1 if slip == "bend" else 1)]
    if kind == "cos":
        return [math.sin(v[0]) * (1 if slip == "sign" else -1)]
    assert kind == "power" and v[1] in (2, 3)
    return [{"factor": v[0] ** (v[1] - 1), "exponent": v[1] * v[0] ** v[1]}.get(slip, v[1] * v[0] ** (v[1] - 1)),
            v[0] ** v[1] * math.log(v[0]) if v[0] > 0 else 0 if v[0] == 0 else math.nan]


def engine(root, slip=None, only=None):
    """Return {node: gradient} of a pass in which nodes wait, with a slip everywhere or `only` at one node."""
    missing, grads, reports = {}, {root: 1}, {}

    def count(node, seen):
        for x in node.operands:
            missing[x] = missing.get(x, 0) + 1
            if x not in seen:
                seen.add(x)
                count(x, seen)

    def take(node):
        got, kind = reports[node], slip if only in (None, node) else None
        grads[node] = {"last": got[-1], "first": got[0], "value": node.value}.get(kind, sum(got))

    def send(node):
        for k, x in enumerate(node.operands):
            kind, up = slip if only in (None, x) else None, grads[node]
            slope = slopes_of(node, kind)[k]
            reports.setdefault(x, []).append(
                slope if kind == "forgotten" else slope + up if kind == "added" else slope * up)
        for x in node.operands:
            missing[x] -= 1
            if not missing[x]:
                take(x)
                send(x)

    count(root, set())
    send(root)
    return grads


def random_graph(nb, draw, whole=True):
    """Return a graph of small numbers, every node with a name."""
    number = (lambda: draw.choice([-3, -2, -1, 1, 2, 3, 4])) if whole else (lambda: draw.uniform(-2, 2))
    nodes = [nb.Node(number()) for _ in range(draw.randrange(2, 4))]
    for _ in range(draw.randrange(2, 7)):
        a, b = draw.choice(nodes), draw.choice(nodes[-3:])
        make = draw.choice([lambda: a * b, lambda: a * b, lambda: a + b, lambda: a - b, lambda: b.relu(), lambda: -b,
                            lambda: abs(b), lambda: b ** 2, lambda: a ** 3, lambda: a / b, lambda: b.cos()])
        nodes.append(make() if b.value else a + b)
    root = nodes[-1]
    for n, node in enumerate(nb.graph_of(root)):
        node.name = f"v{n}"
    return root


def far(x, y, scale):
    """Return whether two numbers differ by more than `check` overlooks."""
    return math.isfinite(x) and abs(x - y) > 2e-6 * abs(y) + 1e-8 * scale


@pytest.mark.parametrize("slip", PHRASES)
def test_a_slip_is_recognized_on_random_graphs(nb, slip):
    draw, graphs, answers = random.Random(slip), 0, 0
    while graphs < 200:
        root = random_graph(nb, draw, whole=draw.random() < 0.7)
        right, wrong = engine(root), engine(root, slip)
        scale = max(abs(g) for g in right.values() if math.isfinite(g))
        if not all(map(math.isfinite, right.values())):
            continue
        some = [node for node in right if node is not root and far(wrong[node], right[node], scale)]
        judge = nb._Judge(root) if some else None
        graphs += bool(some)
        for node in some:
            state, words, _ = judge.judge(node, wrong[node])
            assert state == "wrong" and PHRASES[slip] in words, (node, wrong[node], words)
            answers += 1
        for node in some[:1]:
            alone = engine(root, slip, only=node)[node]
            if far(alone, right[node], scale):
                state, words, arrows = judge.judge(node, alone)
                assert state == "wrong" and PHRASES[slip] in words, (node, alone, words)
                assert all(user.operands[k] is node for user, k in arrows) or "a slip at" in words
    assert answers >= 200


def test_a_right_answer_is_never_called_wrong(nb):
    draw, seen = random.Random(1), 0
    while seen < 800:
        root = random_graph(nb, draw, whole=seen % 2 == 0)
        right, judge = engine(root), nb._Judge(root)
        for node, grad in right.items():
            if not math.isfinite(grad):
                continue
            seen += 1
            for given in (grad, float(grad), np.float64(grad), Fraction(grad), grad + 1e-9, grad - 1e-9, repr(grad),
                          f"{grad:.8g}", f" {grad:.3f} " if abs(grad) > 1 else grad, f"{Fraction(grad)}".replace("-", "−"),
                          f"{grad!r} + 2*3 - 6", -0.0 if grad == 0 else grad, int(grad) if grad == int(grad) else grad):
                state, words, arrows = judge.judge(node, given)
                assert (state, arrows) == ("right", []), (grad, given, words)


def test_an_undefined_gradient_can_be_answered(nb):
    x = nb.Node(0.0, name="x")
    judge = nb._Judge(x.sqrt() * 0)
    assert judge.judge(x, math.nan)[0] == judge.judge(x, "nan")[0] == "right" and judge.judge(x, 0)[0] == "wrong"
    assert nb._Judge(x.sqrt()).judge(x, "inf")[0] == "right" and nb._Judge(x.sqrt()).judge(x, 7)[0] == "wrong"


def test_whole_numbers_beyond_all_floats_are_compared_exactly(nb):
    x = nb.Node(10 ** 200, name="x")
    judge = nb._Judge(x * x * x)
    assert judge.judge(x, 3 * 10 ** 400)[0] == "right" and judge.judge(x, 3 * 10 ** 400 + 1)[0] == "wrong"


def test_words_never_give_the_number_away(nb):
    draw = random.Random(5)
    for _ in range(100):
        root = random_graph(nb, draw)
        right, judge = engine(root), nb._Judge(root)
        for node, grad in right.items():
            for given in (grad + 7.25, -grad, 2 * grad + 0.5, node.value, 1.0, 0.0):
                state, words, _ = judge.judge(node, given)
                if state == "wrong":
                    assert words.startswith(f"{given} is not right yet. ")
                    assert not re.search(r"\d", re.sub(r"\bv\d+\b", "", words.split(" yet. ")[1])), words


def test_two_slips_with_one_number_are_both_said(nb, shared):
    judge, (b, c) = nb._Judge(shared), shared.operands
    assert judge.judge(b, 6)[1] == (
        "6 is not right yet. Either: That is the value of b, not its gradient. Or: You kept only the last report, from c "
        "(`=` for `+=`); b gets two reports, and adds them.")
    assert judge.judge(c, -6) == ("wrong", "-6 is not right yet. The size is right, the sign is not.", [(shared, 1)])
    words = judge.judge(c, 7)[1]
    assert all(PHRASES[slip] in words for slip in ("value", "added", "partners")) and words.count("Or: ") == 2


def test_a_right_step_from_a_wrong_gradient_is_told_from_a_wrong_step(nb, shared):
    judge, b, a = nb._Judge(shared), shared.operands[0], nb.graph_of(shared)[1]
    assert (a.name, b.name) == ("a", "b")
    told = "This step is right; but your gradient of b, from which it comes, is not."
    assert judge.judge(a, 22, {b: 11})[1].endswith(told) and judge.judge(a, "2*7", [(b, "7")])[1].endswith(told)
    assert judge.judge(a, 26, {b: 11})[0] == "right"
    assert not judge.judge(a, 14, {b: 13})[1].endswith(told) and "slip at b" in judge.judge(a, 14, {b: 13})[1]
    assert judge.judge(a, 14, {b: "what"})[1] == judge.judge(a, 14)[1]


def test_one_slip_on_one_arrow_or_further_up_is_found(nb):
    b = nb.Node(1, name="b")
    u, v = 2 * b, 3 * b
    u.name, v.name, judge = "u", "v", nb._Judge(u * v)  # b gets 2 · 3 + 3 · 2
    for given, user in ((8, u), (9, v)):
        state, words, arrows = judge.judge(b, given)
        assert f"On the arrow between b and {user.name} you wrote the slope alone" in words and [x for x, _ in arrows] == [user]
    a, c = nb.Node(2, name="a"), nb.Node(7, name="c")
    p = a + c
    q = p * 4
    p.name, q.name = "p", "q"
    judge = nb._Judge(q * q)  # q gets 72, p and a 288
    state, words, arrows = judge.judge(a, 4)
    assert "It comes of a slip at p: on the arrow between p and q you wrote the slope alone" in words and arrows == [(q, 0)]
    assert "None of the usual slips" in judge.judge(a, 5)[1]
    large = a + nb.lift(nb.sum_of)(*[nb.Node(k) * 1 for k in range(40)])
    assert "slip at" not in nb._Judge(large * large * 0.5).judge(a, 1e6)[1], "not looked for in a large graph"


@pytest.mark.parametrize("given", ["1,5", "b", "False", "2 +", "__import__('os')", "9**9**9**9", "(-8)**(1/3)", True, object(), "1e999*0",
                                   [[1], [2, 3]], "x" * 1000, "(" * 3000])
def test_what_cannot_be_read_is_said(nb, shared, given):
    b = shared.operands[0]
    state, words, _ = nb._Judge(shared).judge(b, given)
    if given != "1e999*0":
        assert state == "unread" and "such as 1/3, or an expression such as 2*7 + 6" in words and len(words) < 250
    else:
        assert state == "wrong"


@pytest.mark.parametrize("given", [None, ..., "", "  ", "?", " ✓ "])
def test_no_answer_is_no_wrong_answer(nb, shared, given):
    assert nb._Judge(shared).judge(shared.operands[0], given) == ("open", "no answer yet", [])


@pytest.mark.parametrize(("text", "number"), [
    ("2*7 + 6", 20), ("1/3", 1 / 3), ("−2 × 3", -6), ("2·3 ÷ 4", 1.5), ("3^2", 9), ("-(1+.5)", -1.5), ("26 ✓", 26), ("1e-3", 1e-3)])
def test_expressions_are_worked_out(nb, text, number):
    assert nb._answer(text)[0] == pytest.approx(number, rel=1e-15)


def test_rounded_answers_need_three_digits(nb):
    x = nb.Node(0.5, name="x")
    judge = nb._Judge(x.tanh() * 0.1)
    right = 0.1 * (1 - math.tanh(0.5) ** 2)  # 0.0786…
    assert judge.judge(x, "0.0786")[0] == judge.judge(x, 0.07864)[0] == "right"
    assert judge.judge(x, "0.079") == ("wrong", "0.079 is not right yet. Close: give three digits or more, or write an "
                                                "expression.", [])
    assert judge.judge(x, 0.0787)[0] == "wrong" and abs(right - 0.0786448) < 1e-7


# ---- check

def said(nb, capsys, *arguments, **named):
    nb.check(*arguments, **named)
    return capsys.readouterr().out.splitlines()


def test_check_prints_a_line_for_each_gradient(nb, capsys, shared):
    before = [node.grad for node in nb.graph_of(shared)]
    b, c = shared.operands
    assert said(nb, capsys, shared, a=26, b="7+6", c=None) == ["a: 26 is right", "b: 7+6 is right", "c: no answer yet"]
    assert said(nb, capsys, shared, {b: 13, "c": 7}, a=14)[0] == "b: 13 is right"
    assert said(nb, capsys, shared, {c.operands[1]: 6}) == ["the constant of value 1: 6 is right"]
    assert said(nb, capsys, shared, L=2) == ["L: 2 is not right yet. The pass starts here: by how much does L change with itself?"]
    assert said(nb, capsys, shared) == ["say what you think: check(L, a=…, b=…, c=…, L=…)"]
    assert [node.grad for node in nb.graph_of(shared)] == before, "the graph is left as it was"
    fresh = nb.Node(2.0, name="x") ** 2
    nb.check(fresh, x=4)
    assert {node.grad for node in nb.graph_of(fresh)} == {None}


def test_check_knows_names_of_variables_and_refuses_others(nb, capsys, shared, monkeypatch):
    monkeypatch.setattr(nb, "left", nb.Node(2), raising=False)
    monkeypatch.setattr(nb, "rows", [nb.Node(5)], raising=False)
    root = nb.left * nb.rows[0]
    assert said(nb, capsys, root, {"rows[0]": 2}, left=5) == ["rows[0]: 2 is right", "left: 5 is right"]
    with pytest.raises(ValueError, match="'z' is no box of this graph; boxes with a name: a, b, c, L. Others are given as nodes"):
        nb.check(shared, z=1)
    with pytest.raises(ValueError, match="'w' names two boxes"):
        nb.check(nb.Node(1, name="w") * nb.Node(2, name="w"), w=2)
    with pytest.raises(ValueError, match="is no box of this graph"):
        nb.check(shared, {nb.Node(1): 2})
    for wrong in (3, None, "L"):
        with pytest.raises(TypeError, match=r"check\(L, a=26\) takes a Node"):
            nb.check(wrong, a=1)


def test_check_of_arrays(nb, capsys):
    x, w = nb.Tensor([[1.0, 2], [3, -4]], name="x"), nb.Tensor([[1.0], [2]], "weight", "w")
    b = nb.Tensor([0.5], "bias", "b")
    L = (x @ w + b).relu().sum()  # 5.5, and −4.5 is cut
    assert said(nb, capsys, L, x=[[1, 2], [0, 0]], w=[[1], [2]], b=[1]) == [
        "x: [[1, 2], [0, 0]] is right", "w: [[1], [2]] is right", "b: [1] is right"]
    assert said(nb, capsys, L, w=[1, 2]) == ["w: a gradient has the shape of its value, (2, 1); got (2,)"]
    assert "the slope alone" in said(nb, capsys, L, w=np.array([[4], [-2]]))[0]
    assert "the slope alone" in said(nb, capsys, L, b=[2])[0] and {t.grad is None for t in (x, w, b)} == {True}
    assert "not right yet" in said(nb, capsys, L, x=[[1, 2], [1, 3]])[0]


def test_check_of_a_function_of_plain_numbers(nb, capsys):
    def d(a=2, b=-3, c=10):
        return a * b + c
    assert said(nb, capsys, d, a=-3, b="2", c=None) == [
        "a: -3 is right; nudging says -3", "b: 2 is right; nudging says 2", "c: no answer yet"]
    lines = said(nb, capsys, d, a=3, b=-3, c=4)
    assert "The size is right, the sign is not" in lines[0] and "That is b itself" in lines[1] and "slope along a" in lines[1]
    assert lines[2] == "c: 4 is not right yet. That is the value of the result, not how fast it changes."
    assert said(nb, capsys, d, a=" ") == ["a: no answer yet"] and "not right yet" in said(nb, capsys, d, a=np.ones(2))[0]
    assert "Nudge a by 1" in said(nb, capsys, d, a=99)[0] and "cannot be read" in said(nb, capsys, d, a="many")[0]
    early = load("practice_early", until="slopes-differences-def")
    assert said(early, capsys, d, a=-3) == ["a: -3 is right; nudging says -3"] and not hasattr(early, "Node")
    with pytest.raises(ValueError, match="the function has no z; it has a, b, c"):
        nb.check(d, z=1)
    with pytest.raises(TypeError, match="x has none: write x=2"):
        nb.check(lambda x: x, x=1)


def test_names_of_a_reader_break_nothing(shared, capsys):
    nb = load("practice_isolated")
    L = nb.example_graph()[1]
    for name in ("max", "min", "sum", "total", "check", "value", "names", "right", "power", "mul", "random_graph"):
        setattr(nb, name, 5)
    nb._Practice(None, "a loss", 1).hint()
    judge = nb._Judge(L)
    assert [judge.judge(x, 7)[0] for x in judge.order] == ["wrong"] * 6


# ---- practice

@pytest.mark.parametrize("level", range(5))
def test_graphs_have_numbers_for_the_head(nb, level):
    name, draw, seen = list(nb._LEVELS)[level], random.Random(level), set()
    for _ in range(60):
        root = nb._blank_graph(name, draw)
        grads = engine(root)
        named = [x for x in nb.graph_of(root) if x.name]
        assert named[-1] is root and len({x.name for x in named}) == len(named)
        assert all(abs(v) <= 60 and v * 2 == int(v * 2) for x in named for v in (x.value, grads[x]))
        assert any(grads[x] for x in named if x is not root)
        seen.add(tuple((x.name, x.value, grads[x]) for x in named))
        meets = any(sum(x in u.operands for u in nb.graph_of(root)) > 1 or
                    any(u.operands.count(x) > 1 for u in nb.graph_of(root)) for x in named)
        assert meets or level != 2, "two ways meet"
    assert len(seen) > 25


@pytest.fixture
def sheet(nb, shared):
    return nb._Practice(shared, "a loss", 1)


def fill(sheet, name, text):
    """Type text into the field of a node; return what is said."""
    names = [sheet.call(node) for node in sheet.blanks]
    sheet.fields[names.index(name)].value = text
    return re.sub("<[^>]+>", "", sheet.said.value)


def test_a_sheet_is_filled_in_any_order(nb, sheet):
    assert [sheet.call(x) for x in sheet.blanks] == ["c", "b", "a"] and sheet.alt.count("grad ?") == 3
    assert fill(sheet, "a", "14") == ("a: 14 is not right yet. It comes of a slip at b: you kept only the first report, from L; "
                                      "b gets two reports, and goes on with their sum.")
    assert "mg-wrong" in sheet.fields[2]._dom_classes and "right at once: <b>0</b>" in sheet.score.value
    assert fill(sheet, "a", "2 * (7 + 6)") == "a: right" and sheet.fields[2].value == "26 ✓"
    assert "mg-right" in sheet.fields[2]._dom_classes and "mg-wrong" not in sheet.fields[2]._dom_classes
    assert sheet.alt.count("grad ?") == 2 and "2 × 13" not in sheet.svg, "b is not given away"
    frame = sheet.frame(sheet.judge.right, sheet.done)
    assert [frame["box", sheet.scene.where[x]][0] for x in sheet.blanks] == ["waiting", "waiting", "done"]
    assert fill(sheet, "c", "6") == "c: right" and ">6 × 1<" in sheet.svg
    assert "right at once: <b>1</b>, in a row: <b>1</b>" in sheet.score.value, "at the first attempt"
    assert fill(sheet, "b", "13").endswith("All are filled in: press n for another graph")
    assert sheet.alt.count("grad ?") == 0 and all(f">{x}<" in sheet.svg for x in ("2 × 13", "= 26", "7 × 1", "1 × 6"))
    assert fill(sheet, "b", "12").startswith("b: 12 is not right yet") and "grad ?" in sheet.alt


def test_what_is_marked_is_the_arrow_spoken_of(nb, sheet):
    fill(sheet, "b", "7")
    assert {(user.name, k) for user, k in sheet.marked} == {("L", 0), ("c", 0)}
    fill(sheet, "c", "8")
    fill(sheet, "a", "3")
    fill(sheet, "c", "7")
    assert [(user.name, k) for user, k in sheet.marked] == [("L", 1)]
    arrow = sheet.scene.arrow(sheet.scene.root, 1)
    frame = sheet.frame(sheet.judge.right, set())
    assert [key for key, says in frame.items() if key[0] == "arrow" and says[0] == "sending"] == [("arrow", *arrow)]


def test_hints_lead_on_and_only_the_last_shows_the_number(nb, sheet):
    sheet.asked.value = 1  # the field of b
    assert "∂" not in sheet.svg
    sheet.hint()
    first = sheet.said.value
    assert "It gets two reports, from L and from c" in first and sheet.svg.count("∂ = ") == 2 and "13" not in first
    sheet.hint()
    assert "7 × the gradient of L + 1 × the gradient of c." in sheet.said.value
    assert sheet.fields[1].value == "" and "grad ?" in sheet.alt
    sheet.tell()
    assert "7 × 1 + 1 × 6 = 13" in sheet.said.value and sheet.fields[1].value == "13 ✓"
    assert "right at once: <b>0</b>" in sheet.score.value
    fill(sheet, "b", "13")
    assert "right at once: <b>0</b>" in sheet.score.value, "what was shown does not count"
    sheet.hint()
    assert "<b>c:</b>" in sheet.said.value, "of the first that is blank"
    sheet.tell()
    sheet.tell()
    assert sheet.said.value.endswith("All are filled in: press n for another graph</p>")
    sheet.tell()
    sheet.hint()
    assert sheet.said.value.count("Nothing is blank") == 1


def test_counts_go_on_from_graph_to_graph(nb):
    sheet = nb._Practice(None, "a chain", 3)
    for _ in range(3):
        for node, field in zip(sheet.blanks, list(sheet.fields)):
            field.value = str(Fraction(sheet.judge.right[node]))
        sheet.new()
    done = sheet.count
    assert done >= 8 and f"right at once: <b>{done}</b>, in a row: <b>{done}</b>" in sheet.score.value
    sheet.tell()
    assert f"right at once: <b>{done}</b>, in a row: <b>0</b>" in sheet.score.value, "to be shown one ends a row"
    sheet.level.value = "a neuron"
    assert "relu n" in sheet.alt and len(sheet.fields) >= 8 and [f.value for f in sheet.fields] == [""] * len(sheet.fields)
    sheet.fields[0].value = "999"
    assert f"right at once: <b>{done}</b>, in a row: <b>0</b>" in sheet.score.value
    assert sheet.sheet.children == (sheet.picture, *sheet.fields)


def test_every_field_lies_in_its_box_and_says_whose_it_is(nb):
    for level in nb._LEVELS:
        sheet = nb._Practice(None, level, 2)
        for n, node in enumerate(sheet.blanks):
            left, top, width = map(int, re.search(
                rf"\.mg-blank-{sheet.number}-{n} {{ left: (\d+)px; top: (\d+)px; width: (\d+)px }}", sheet.picture.value).groups())
            x, y, w, h = sheet.stage.box(sheet.scene.where[node])
            assert x + 30 < left and left + width <= x + w and y + h / 2 < top and top + 22 <= y + h and width > 45
            assert sheet.fields[n].description.startswith(f"gradient of {sheet.call(node)}")
    one, other = nb._Practice(None, "a chain", 1), nb._Practice(None, "a chain", 1)
    assert one.number != other.number and one.svg == other.svg, "two sheets do not share their places"


def test_practice_refuses_what_cannot_be_filled_in(nb, shared):
    assert nb.practice(shared).picture.data == nb.practice(shared, seed=5).picture.data
    assert nb.practice(level="a loss", seed=2).picture.data == nb.practice(level=5, seed=2).picture.data
    for level in (0, 6, "hard", None):
        with pytest.raises(ValueError, match="level is 1 to 5: one operation, a chain, two ways that meet, a neuron, a loss"):
            nb.practice(level=level)
    with pytest.raises(TypeError, match=r"practice\(L\) takes a Node"):
        nb.practice(3)
    with pytest.raises(ValueError, match="nothing to fill in"):
        nb.practice(nb.Node(2))
    with pytest.raises(ValueError, match="up to 20 boxes can be filled in; this graph has 44"):
        nb.practice(nb.lift(nb.sum_of)(*[nb.Node(k, name=f"x{k}") * nb.Node(2, name=f"w{k}") for k in range(14)]) * 1)
    with pytest.raises(TypeError, match="takes a graph of numbers"):
        nb.practice(nb.Tensor([1.0, 2.0]).sum())


# ---- deliberate faults

FAULTS = {
    "the last report is the first": ("lambda reports: reports[-1]", "lambda reports: reports[0]", "last"),
    "the first report is the sum": ("lambda reports: reports[0],", "lambda reports: _sum(reports),", "first"),
    "partners of a sum": ('return values[k] if rule == "mul" else None', 'return values[k] if rule == "add" else None', "partners"),
    "no minus of a quotient": ('("sub", 1), ("div", 1)', '("sub", 1)', "sign"),
    "the same side of the bend": ('{"relu": 1 - slope,', '{"relu": slope,', "bend"),
    "upstream is not forgotten": ("(_unmultiplied, None,", "(_report, None,", "forgotten"),
    "added twice": ("user.slopes[k] + gradient", "user.slopes[k] + 2 * gradient", "added"),
    "value of the user only": ("found = [(node.value, \"own\", arrows)]", "found = []", "value"),
    "the exponent is lowered": ("slope * values[0] if rule", "slope if rule", "exponent"),
    "the factor stays": ("slope / values[1] if rule", "slope if rule", "factor"),
    "off by a thousandth": ("<= 1e-6 * abs(y) + off", "<= 1e-12 * abs(y)", None),
    "a minus is not read": ('"−": "-", ', "", None),
}


@pytest.mark.faults
@pytest.mark.parametrize("fault", FAULTS)
def test_a_deliberate_fault_is_caught(fault):
    old, new, slip = FAULTS[fault]
    broken = load(f"broken_practice_{[*FAULTS].index(fault)}", replace={"room-plots": (old, new)}, until="array-tensor")
    with pytest.raises(AssertionError):
        test_a_slip_is_recognized_on_random_graphs(broken, slip) if slip else test_a_right_answer_is_never_called_wrong(broken)
