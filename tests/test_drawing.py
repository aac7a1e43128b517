"""Chapter 3: the recording of a pass, and the three ways to see it."""
import base64
import glob
import html
import io
import math
import os
import random
import re
import shutil
import time
import xml.dom.minidom

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def neuron(nb):
    """The neuron of the README after its backward pass."""
    x1, x2 = nb.Node(0.5, "input", "x1"), nb.Node(-0.5, "input", "x2")
    w1, w2 = nb.Node(2, "weight", "w1"), nb.Node(3, "weight", "w2")
    b = nb.Node(4, "bias", "b")
    n = (x1 * w1 + x2 * w2 + b).relu()
    n.name = "n"
    n.backward()
    return n


@pytest.fixture
def shared(nb):
    """The running example: b is used twice."""
    a = nb.Node(3, "input", "a")
    b = 2 * a
    c = b + 1
    L = b * c
    b.name, c.name, L.name = "b", "c", "L"
    L.backward()
    return L


@pytest.fixture
def quiet(nb, monkeypatch):
    """What would be displayed, as a list."""
    shown = []
    monkeypatch.setattr(nb, "display", lambda *things, **how: shown.extend(things))
    return shown


def chain(nb, length):
    """Return a chain of additions."""
    node = nb.Node(1.0, "input", "start")
    for _ in range(length):
        node = node + 1
    return node


def boxes(scene, frame):
    """Return {title: (state, value, grad)} of a frame."""
    return {scene.title(i): frame["box", i] for i in range(len(scene.boxes))}


# ---- the recording

def test_a_recording_is_what_the_engine_does(nb, neuron, shared):
    for root in (neuron, shared):
        sent, seen = root._pass(1), set()
        assert set(sent) == {node for node in nb.graph_of(root) if node.operands} and sent[0] is root
        for node in sent:  # whoever sends has sent reports from all its users before
            users = {user for user in sent if node in user.operands}
            assert users <= seen
            seen.add(node)
        steps, grads = nb.steps_of(sent)
        assert [step.node for step in steps] == sent
        assert all(node.grad == grad for node, grad in grads.items())
        assert len(grads) == len(nb.graph_of(root))
        for step in steps:
            for k, operand, amount, before, after, _ in step.reports:
                assert operand is step.node.operands[k] and amount == step.node.slopes[k] * step.node.grad
                assert after == amount + (before or 0)
        last = {operand: left for step in steps for _, operand, *_, left in step.reports}
        assert set(last.values()) == {0}


def filmed(nb, scene, gradient=1, **extra):
    """Return the film of a new pass of the scene's root."""
    return nb._film(scene, scene.root._pass(gradient), **extra)


def test_frames_say_what_happens(nb, shared):
    scene = nb._Scene(shared)
    frames, group = filmed(nb, scene)
    assert group == 1 and len(frames) == 5
    assert boxes(scene, frames[0]) == {
        "a input": ("waiting", "3", "0"), "b = 2 × □": ("waiting", "6", "0"),
        "c = □ + 1": ("waiting", "7", "0"), "× L": ("waiting", "42", "1")}
    assert boxes(scene, frames[1]) == {
        "a input": ("waiting", "3", "0"), "b = 2 × □": ("receiving", "6", "7"),
        "c = □ + 1": ("receiving", "7", "6"), "× L": ("sending", "42", "1")}
    assert frames[1]["caption",] == (
        "Step 1 of 3: × L sends its gradient 1 back",
        "b gets 7 × 1 = 7 and waits for 1 more; c gets 6 × 1 = 6")
    assert boxes(scene, frames[2])["b = 2 × □"] == ("receiving", "6", "7 + 6 → 13")
    assert boxes(scene, frames[2])["× L"] == ("done", "42", "1")
    assert frames[2]["caption",][1] == "b gets 1 × 6 = 6, 7 + 6 → 13"
    assert {says[0] for key, says in frames[-1].items() if key[0] == "box"} == {"done"}
    assert boxes(scene, frames[-1])["a input"] == ("done", "3", "26")


def test_arrows_turn_and_show_the_product(nb, neuron):
    scene = nb._Scene(neuron)
    frames, _ = filmed(nb, scene)
    arrow = next(key for key in frames[0] if key[0] == "arrow"
                 and scene.title(key[1]) == "w1 weight")
    assert frames[0][arrow] == ("waiting", "∂ = 0.5", False)
    assert frames[4][arrow] == ("sending", "0.5 × 1 = 0.5", True)
    assert frames[-1][arrow] == ("done", "0.5 × 1 = 0.5", True)


def test_forward_pass_shows_values_one_by_one(nb, shared):
    scene = nb._Scene(shared)
    frames, _ = filmed(nb, scene, forward=True)
    values = [[frame["box", i][1] for i in range(4)] for frame in frames[:4]]
    assert values == [["3", "?", "?", "?"], ["3", "6", "?", "?"], ["3", "6", "7", "?"],
                      ["3", "6", "7", "42"]]
    assert frames[1]["caption",] == ("Forward 1 of 3: b = 2 × □ computes its value",
                                     "2 × a = 2 × 3 = 6")
    assert frames[0]["box", 0][2] == "–" and frames[4]["box", 0][2] == "0"
    assert len(frames) == 9


def test_a_started_gradient_is_shown(nb, shared):
    shared.backward(gradient=0.5)
    scene = nb._Scene(shared)
    frames, _ = filmed(nb, scene, 0.5)
    assert frames[-1]["box", 0] == ("done", "3", "13")


def test_a_film_that_differs_from_the_nodes_is_refused(nb, shared):
    sent = shared._pass(1)
    shared.operands[0].grad = 5
    with pytest.raises(RuntimeError, match="gradients in the nodes"):
        nb._film(nb._Scene(shared), sent)


def test_recording_leaves_the_nodes_alone(nb, neuron, quiet):
    before = [(n.value, n.grad, n.slopes, n.role, n.name) for n in nb.graph_of(neuron)]
    filmed(nb, nb._Scene(neuron), forward=True)
    neuron.draw_graph().png
    assert before == [(n.value, n.grad, n.slopes, n.role, n.name)
                      for n in nb.graph_of(neuron)]


def test_nary_and_unary_nodes(nb):
    w = [nb.Node(k + 1.0, "weight") for k in range(6)]
    x = [nb.Node(0.5, "input") for _ in range(6)]
    root = nb.weighted_sum(w, x, nb.Node(1.0, "bias")).tanh()
    root.backward()
    scene = nb._Scene(root)
    frames, _ = filmed(nb, scene, forward=True)
    assert "… 9 more" in frames[1]["caption",][1]
    assert "and 9 more" in frames[-2]["caption",][1]
    assert len(scene.arrows) == 14


# ---- the still picture

def test_no_gradients_before_a_pass(nb):
    drawing = (nb.Node(1) * nb.Node(2)).draw_graph()
    assert {says[2] for key, says in drawing.frame.items() if key[0] == "box"} == {"–"}
    assert "grad –" in drawing.alt


def test_duplicate_operands_have_two_arrows(nb):
    a = nb.Node(3)
    root = a + a
    assert len(root.draw_graph().scene.arrows) == 2
    scene = nb._Scene((a + a) * (a + a))
    assert len(scene.arrows) == 6


def test_drawing_is_linear_where_paths_are_exponential(nb):
    node = nb.Node(1.0)
    for _ in range(40):
        node = node + node
    begin = time.perf_counter()
    drawing = node.draw_graph()
    assert len(drawing.scene.arrows) == 80 and time.perf_counter() - begin < 5


def test_high_dp_is_twice_as_sharp(nb, neuron):
    low, high = (Image.open(io.BytesIO(neuron.draw_graph(high_dp=h).png)) for h in (0, 1))
    assert abs(high.width / low.width - 2) < 0.01 and abs(high.height / low.height - 2) < 0.01
    shown = [neuron.draw_graph(high_dp=h)._repr_mimebundle_()["text/html"] for h in (0, 1)]
    assert len({re.search(r'width="(\d+)"', page)[1] for page in shown}) == 1


def test_picture_fits_a_notebook_with_letters_of_eleven_pixels(nb, neuron):
    stage = neuron.draw_graph().stage
    sizes = [part[4] for key, says in neuron.draw_graph().frame.items()
             for part in nb._shapes(stage, key, says) if part[0] == "text"]
    assert min(sizes) * min(1, 900 / stage.width) >= 11


def test_top_to_bottom(nb, neuron):
    tall, wide = neuron.draw_graph(rankdir="TB").stage, neuron.draw_graph().stage
    assert tall.height > tall.width * 0.9 and wide.width > wide.height
    with pytest.raises(ValueError, match="rankdir"):
        neuron.draw_graph(rankdir="sideways")


def test_saved_by_name(nb, neuron, tmp_path):
    drawing = neuron.draw_graph()
    svg = drawing.save(tmp_path / "new" / "n.svg")
    xml.dom.minidom.parse(str(svg))
    assert Image.open(drawing.save(str(tmp_path / "n.PNG"))).format == "PNG"
    assert "digraph" in drawing.save(tmp_path / "n.dot").read_text("utf-8")
    with pytest.raises(ValueError, match="svg, .png or .dot"):
        drawing.save(tmp_path / "n.bmp")
    assert sorted(os.listdir(tmp_path)) == ["n.PNG", "n.dot", "new"]


def test_names_come_from_the_notebook(nb):
    nb.my_weight = nb.Node(2, "weight")
    nb._hidden = nb.other_name = nb.Node(3, "input")
    try:
        words = nb._Words()
        assert words.title(nb.my_weight) == "my_weight weight"
        assert words.title(nb.other_name) == "other_name input"
        root = nb.my_weight * nb.other_name
        assert words.title(root) == "× multiply" and words.title(-root) == "neg negate"
        assert words.formula(root) == "my_weight × other_name = 2 × 3 = 6"
    finally:
        del nb.my_weight, nb._hidden, nb.other_name


def test_boxes_never_move(nb, neuron):
    frames, _ = filmed(nb, nb._Scene(neuron), forward=True)
    stage = nb._Stage(nb._Scene(neuron), frames)
    for key in (key for key in frames[0] if key[0] == "box"):
        assert len({nb._shapes(stage, key, frame[key])[0][1:5] for frame in frames}) == 1


def test_roles_have_their_colors(nb, neuron):
    scene = nb._Scene(neuron)
    roles = {scene.title(i): scene.role(i) for i in range(len(scene.boxes))}
    assert roles["relu n"] == "output" and roles["b bias"] == "bias"
    assert roles["+ add"] == "operation"


# ---- odd names, odd numbers, odd graphs

ODD = ["<b>bold</b>", 'quo"te\'s', "a & b &amp;", "ünïcödé ∂ 数", "x" * 500, "line\nbreak",
       "</script><script>alert(1)</script>", "<!--", "\\n\\", "]]>", "\x00\x07", "\ud800",
       "HEAD|NAME", "FILM", "SHELL", "{0}", "n0", "%s", "$x$"]


@pytest.mark.parametrize("name", ODD)
def test_odd_names(nb, name, tmp_path, quiet):
    x = nb.Node(2, "input", name)
    root = x * x
    player = root.backward(animate=True, gif=tmp_path / "odd.gif")
    drawing = root.draw_graph()
    xml.dom.minidom.parseString(drawing.svg.encode())
    assert drawing.png[:4] == b"\x89PNG" and "digraph" in drawing.dot
    page = player.html
    page.encode()
    assert page.count("</script") == 1 and "<!--" not in page
    still = re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', page)[1]
    xml.dom.minidom.parseString(base64.b64decode(still))


@pytest.mark.parametrize("value, text", [
    (1e-300, "1e-300"), (math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf"),
    (-0.0, "0"), (10**400, "1e400"), (1234567.0, "1.235e+06"), (None, "–"), (True, "1")])
def test_odd_numbers_as_text(nb, value, text):
    assert nb._value_text(value) == text


@pytest.mark.parametrize("value", [1e-300, math.nan, math.inf, -0.0, 1e300])
def test_odd_numbers_in_every_view(nb, value, tmp_path, quiet):
    x = nb.Node(value, "input", "x")
    root = x * x + 1.0
    root.backward(animate=True, gif=tmp_path / "odd.gif", forward=True).html
    assert root.draw_graph().png


def test_one_node(nb, tmp_path, quiet):
    x = nb.Node(5, "input", "x")
    player = x.backward(animate=True, gif=tmp_path / "one.gif")
    assert [f["caption",][0] for f in player.frames] == [
        "Start: x input starts with gradient 1", "Done: every node knows its gradient"]
    assert x.draw_graph().png and Image.open(tmp_path / "one.gif").n_frames >= 1


def test_a_thousand_users(nb, tmp_path):
    x = nb.Node(2.0, "input", "x")
    root = nb.total([x * float(k) for k in range(1000)])
    saved = root.backward(gif=tmp_path / "many.gif")
    assert saved.frames <= nb._MAX_FRAMES and saved.group > 1 and "steps in each" in repr(saved)
    scene = nb._Scene(root)
    assert scene.folded and scene.title(scene.where[x]) == "x input"
    assert "1,001 nodes share" not in root.draw_graph().alt
    assert "1,002 nodes share" in root.draw_graph().alt


def test_one_operation_with_a_thousand_equal_operands(nb):
    x = nb.Node(2.0, "input", "x")
    root = nb.total([x] * 1000)
    root.backward()
    drawing = root.draw_graph()
    assert list(drawing.scene.arrows.values())[0].__len__() == 1000
    assert "1,000 edges" in drawing.svg and x.grad == 1000


# ---- large graphs

def test_overview_states_what_is_folded(nb):
    x = nb.Node(1.0, "input", "x")
    root = nb.total([(x * nb.Node(k / 10, "weight")).tanh() for k in range(60)])
    root.backward()
    scene = nb._Scene(root)
    titles = [scene.title(i) for i in range(len(scene.boxes))]
    assert titles == ["x input", "60 weights", "60 multiply", "60 tanh", "sum"]
    assert sum(map(len, scene.boxes)) == len(scene.nodes) == 182
    frames, _ = filmed(nb, scene)
    assert frames[-1]["box", 1][2].startswith("0.42") or "…" in frames[-1]["box", 1][2]


@pytest.mark.parametrize("length", [1000, 100_000])
def test_too_large_is_a_clear_error_at_once(nb, length):
    root = chain(nb, length)
    begin = time.perf_counter()
    with pytest.raises(ValueError, match="nearer to the inputs"):
        root.draw_graph()
    assert time.perf_counter() - begin < 2


def test_long_pass_is_grouped_and_says_so(nb, tmp_path):
    root = chain(nb, 140)
    saved = root.backward(gif=tmp_path / "long.gif", forward=True)
    assert saved.frames <= 120 and saved.group == 3
    frames, _ = filmed(nb, nb._Scene(root))
    assert any("steps at once" in frame["caption",][1] for frame in frames)


# ---- the GIF

def test_a_gif_keeps_the_color_of_every_state_and_role(nb, tmp_path):
    model = nb.MLP(2, [4, 1], rng=random.Random(1))
    root = nb.hinge_loss([model([1.0, 2.0])], [1])
    saved = root.backward(gif=tmp_path / "states.gif", forward=True)
    frames, _ = filmed(nb, nb._Scene(root), forward=True)
    seen = set()
    for frame, picture in zip(frames, iio.imread(saved.path), strict=True):
        colors = {f"#{color:06X}" for color in np.unique(picture[..., :3].astype(int) @ (1 << 16, 1 << 8, 1))}
        states = {says[0] for key, says in frame.items() if key[0] == "box"}
        seen |= states
        wanted = {nb._BODY_COLORS[state] for state in states} | {nb._PALETTE[role] for role in ("weight", "bias", "output")}
        assert wanted <= colors
    assert seen == set(nb._BODY_COLORS)


def test_gif_size_duration_loop_and_frames(nb, neuron, tmp_path):
    saved = neuron.backward(gif=tmp_path / "deep" / "er" / "n.gif", animation_delay=0.3)
    gif = Image.open(saved.path)
    assert gif.size == saved.size and gif.info["loop"] == 0
    times = [frame.info["duration"] for frame in
             (gif.seek(i) or gif.copy() for i in range(gif.n_frames))]
    assert times == [300] * 6 + [3000] and sum(times) == 1000 * saved.seconds
    pictures = iio.imread(saved.path)
    frames, _ = filmed(nb, nb._Scene(neuron))
    stage = nb._Stage(nb._Scene(neuron), frames)
    painter = nb._Painter(stage, saved.size[0] / stage.width)
    for i in (0, 3, -1):
        want = np.asarray(painter.paint(frames[i])).astype(int)
        off = np.abs(pictures[i][..., :3].astype(int) - want)
        assert off.mean() < 1 and np.percentile(off, 99) < 40
    assert (pictures[0][2, 2, :3] == 255).all()


def test_same_graph_same_bytes(nb, neuron, tmp_path, quiet):
    for name in "ab":
        neuron.backward(gif=tmp_path / f"{name}.gif")
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    pages = {neuron.backward(animate=True).html for _ in range(2)}
    assert len(pages) == 1
    assert neuron.draw_graph().png == neuron.draw_graph().png


def test_gif_by_itself_needs_no_animate(nb, neuron, tmp_path, quiet):
    assert isinstance(neuron.backward(gif=str(tmp_path / "n.gif")), nb._SavedGif)
    assert quiet == [] and (tmp_path / "n.gif").stat().st_size < 80_000


@pytest.mark.parametrize("name, error", [
    ("n.png", ValueError), ("n", ValueError), (5, TypeError), (b"n.gif", TypeError)])
def test_wrong_gif_names(nb, neuron, name, error, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match="gif is a file name"):
        neuron.backward(gif=name)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("delay", [0, -1, 0.001, math.nan, math.inf, "1"])
def test_wrong_delays(nb, neuron, delay, tmp_path):
    with pytest.raises(ValueError, match="seconds"):
        neuron.backward(gif=tmp_path / "n.gif", animation_delay=delay)


def test_interrupt_keeps_the_old_file(nb, neuron, tmp_path, monkeypatch):
    path = tmp_path / "n.gif"
    path.write_bytes(b"old")

    def interrupted(*where):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        neuron.backward(gif=path)
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["n.gif"]


# ---- without Graphviz

@pytest.mark.parametrize("rankdir", ["LR", "TB"])
def test_own_layout(nb, neuron, monkeypatch, rankdir, tmp_path):
    monkeypatch.setattr(nb, "_dot_programs", list)
    drawing = neuron.draw_graph(rankdir=rankdir)
    places = [drawing.stage.places["box", i] for i in range(10)]
    for i, (x, y) in enumerate(places):
        for u, v in places[:i]:
            assert abs(x - u) >= nb._BOX_WIDTH or abs(y - v) >= nb._BOX_HEIGHT
    for a, b, _ in drawing.scene.arrows:
        forward = places[b][rankdir == "TB"] - places[a][rankdir == "TB"]
        assert forward > 0
    assert all(0 <= v <= m for p in places for v, m in zip(
        drawing.stage.at(p), (drawing.stage.width, drawing.stage.height)))
    assert neuron.backward(gif=tmp_path / "n.gif").frames == 7


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
def test_own_layout_joins_boxes_and_runs_round_the_others(nb, shared, monkeypatch, rankdir):
    monkeypatch.setattr(nb, "_dot_programs", list)
    model = nb.MLP(2, [4, 1], rng=random.Random(1))
    a = nb.Node(2.0)
    half = np.array([nb._BOX_WIDTH, nb._BOX_HEIGHT]) / 2
    for root in (shared, nb.hinge_loss([model([1.0, 2.0])], [1]), (a + a) * (a * 3 + a), chain(nb, 4) * a + a):
        drawing = root.draw_graph(rankdir=rankdir)
        places = drawing.stage.places
        centers = {key: np.array(place) for key, place in places.items() if key[0] == "box"}
        ends = set()
        for a_box, b_box, k in drawing.scene.arrows:
            tail, head, curve, label = places["arrow", a_box, b_box, k]
            ends.add(head)
            for end, box in ((tail, a_box), (head, b_box)):
                off = np.abs(np.array(end) - centers["box", box]) / half
                assert off.max() == pytest.approx(1) and off.min() < 0.9
            assert len(curve) % 3 == 1
            for point in nb._bezier(curve):
                assert all((np.abs(point - center) >= half - 1e-9).any() for center in centers.values())
        assert len(ends) == len(drawing.scene.arrows)


def test_broken_graphviz_falls_back(nb, neuron, monkeypatch, tmp_path):
    broken = tmp_path / "dot"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(nb, "_dot_programs", lambda: [str(broken)])
    assert neuron.draw_graph().png


# ---- the player

def test_arrays_can_be_drawn(nb):
    def double(x):
        return x * 2, (lambda g: g * 2,)
    x = nb.Tensor(np.ones((2, 3)))
    y = nb.lift_arrays(double)(x)
    drawing = nb._draw_graph(y)
    assert drawing.frame["box", 0][1] == "2 × 3" and drawing.png
    y.grad, x.grad = np.ones((2, 3)), 2 * np.ones((2, 3))
    frames, _ = nb._film(nb._Scene(y), [y])
    assert frames[-1]["box", 0] == ("done", "2 × 3", "2 × 3")


def test_player_is_displayed_once(nb, neuron, monkeypatch):
    from IPython.testing.globalipapp import get_ipython as make
    from IPython.utils.capture import capture_output
    shell = make()
    monkeypatch.setattr(nb, "get_ipython", lambda: shell, raising=False)
    shell.user_ns["n"] = neuron
    for code in ("n.backward(animate=True)", "n.backward(animate=True); None",
                 "p = n.backward(animate=True)"):
        with capture_output() as said:
            shell.run_cell(code, store_history=True)
        assert len([o for o in said.outputs if "text/html" in o.data]) == 1, code
    with capture_output() as said:
        shell.run_cell("p", store_history=True)
    assert len(said.outputs) == 1


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium."""
    playwright = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("google-chrome") or (
        sorted(glob.glob(os.path.expanduser("~/.cache/ms-playwright/chromium-*/*/chrome")))
        or [None])[-1]
    if not program:
        pytest.skip("no Chromium here")
    with playwright.sync_playwright() as p:
        chromium = p.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, nb, neuron, shared, quiet, tmp_path):
    """A page with three players, two of them equal, and its list of complaints."""
    body = "".join(p.html for p in (neuron.backward(animate=True, animation_delay=0.05),
                                    shared.backward(animate=True, forward=True),
                                    shared.backward(animate=True, forward=True)))
    path = tmp_path / "players.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><title>x</title>{body}", "utf-8")
    tab = browser.new_page()
    tab.complaints = []
    tab.on("console", lambda m: tab.complaints.append(m.text))
    tab.on("pageerror", lambda e: tab.complaints.append(str(e)))
    tab.goto(path.as_uri())
    yield tab
    assert tab.complaints == []
    tab.close()


def test_player_clicks_through(page):
    player = page.locator(".mg-player").nth(0)
    assert "Start" in player.locator("b").inner_text()
    for i in range(1, 7):
        player.get_by_role("button", name="next step").click()
        assert player.locator("output").inner_text() == f"{i} of 6"
    player.get_by_role("button", name="next step").click()
    assert player.locator("output").inner_text() == "6 of 6"
    assert "Done" in player.locator("b").inner_text()
    assert "0.5 × 1" in player.locator("svg").inner_html()
    player.get_by_role("button", name="previous step").click()
    assert player.locator("b").inner_text().startswith("Step 5 of 5")
    player.get_by_role("button", name="first step").click()
    assert player.locator("output").inner_text() == "0 of 6"
    assert "0.5 × 1" not in player.locator("svg").inner_html()


def test_player_plays_and_pauses(page):
    player = page.locator(".mg-player").nth(0)
    player.get_by_role("button", name="play").click()
    page.wait_for_function(
        "document.querySelector('.mg-player output').textContent === '6 of 6'", timeout=5000)
    player.get_by_role("button", name="play").wait_for(timeout=2000)
    other = page.locator(".mg-player").nth(1)
    other.get_by_role("button", name="play").click()
    other.get_by_role("button", name="pause").click()
    assert other.locator("output").inner_text() == "0 of 8"


def test_player_keys_and_slider(page):
    player = page.locator(".mg-player").nth(1)
    player.focus()
    says = player.locator("output").inner_text
    for key, at in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", 8),
                    ("ArrowRight", 8), ("Home", 0), ("ArrowLeft", 0)):
        page.keyboard.press(key)
        assert says() == f"{at} of 8", key
    page.keyboard.press("Space")
    assert player.get_by_role("button", name="pause").count() == 1
    page.keyboard.press("Space")
    slider = player.get_by_role("slider", name="step")
    slider.fill("6")
    assert says() == "6 of 8" and "waits for 1 more" not in player.locator("b").inner_text()
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert says() == "7 of 8"
    assert player.locator("[aria-live]").count() == 1
    assert page.locator(".mg-player").nth(2).locator("output").inner_text() == "0 of 8"


def test_without_scripts_the_last_picture_stays(browser, neuron, quiet, tmp_path):
    player = neuron.backward(animate=True)
    path = tmp_path / "still.html"
    path.write_text(f"<meta charset=utf-8>{player.html}", "utf-8")
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(path.as_uri())
    image = tab.locator(".mg-player img")
    assert "w1.grad = 0.5" in html.unescape(image.get_attribute("alt"))
    assert image.bounding_box()["width"] > 500
    assert tab.locator("body").inner_text().strip() == ""
    context.close()
