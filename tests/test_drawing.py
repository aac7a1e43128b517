"""Chapter 3: the recording of a pass, and the three ways to see it."""
import base64
import io
import math
import os
import random
import re
import time
import urllib.parse
import xml.dom.minidom

import imageio.v3 as iio
import numpy as np
import pytest
from benchmark_drawing import network
from browser import unpacked
from PIL import Image


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
    assert boxes(scene, frames[2])["b = 2 × □"] == ("receiving", "6", "7 + 6 = 13")
    assert boxes(scene, frames[2])["× L"] == ("done", "42", "1")
    assert frames[2]["caption",][1] == "b gets 1 × 6 = 6, 7 + 6 = 13"
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
             if key[0] != "moves" for part in nb._shapes(stage, key, says) if part[0] == "text"]
    assert min(sizes) * min(1, 830 / stage.width) >= 11


def test_a_picture_is_never_shown_with_letters_of_less_than_eleven_pixels(nb):
    wide = nb.hinge_loss([nb.MLP(2, [4, 1], rng=random.Random(1))([1.0, 2.0])], [1]).draw_graph()
    page = wide._repr_mimebundle_()["text/html"]
    assert 12 * int(re.search(r"min-width:(\d+)px", page)[1]) / wide.stage.width >= 11


def test_a_network_with_its_loss_fits_a_screen(nb):
    """A 2-4-1 on two points: 1100 × 640 pixels with letters of 11, each layer in a column."""
    model = nb.MLP(2, [4, 1], rng=random.Random(1))
    root = nb.hinge_loss([model([0.91, 0.9]), model([-0.89, -0.83])], [1, -1])
    scene = nb._Scene(root)
    frames, _ = filmed(nb, scene)
    stage = nb._Stage(scene, frames)
    assert stage.width * 11 / 12 <= 1100 and (stage.bottom - stage.top) * 11 / 12 <= 640
    column = {i: stage.places["box", i][0] for i in range(len(scene.boxes))}
    kinds = [{column[i] for i, (node,) in enumerate(scene.boxes) if node.rule and node.rule.__name__ == name
              and len(node.operands) == count} for name, count in (
        ("sum_of_products", 5), ("sum_of_products", 9))]
    assert [len(columns) for columns in kinds] == [1, 1] and min(kinds[1]) > min(kinds[0])
    bends = [column[i] for i, (node,) in enumerate(scene.boxes) if node.rule is nb.relu
             and len(node.operands[0].operands) == 5]
    assert len(bends) == 8 and len(set(bends)) == 1


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
    assert not re.search("</script|<!--", unpacked(page))
    still = re.search(r'src="data:image/svg\+xml,([^"]+)"', page)[1]
    xml.dom.minidom.parseString(urllib.parse.unquote(still))


@pytest.mark.parametrize("value, text", [
    (1e-300, "1e−300"), (math.nan, "nan"), (math.inf, "inf"), (-math.inf, "−inf"), (-0.5, "−0.5"),
    (-0.0, "0"), (10**400, "1e400"), (5 * 10**400, "5e400"),
    (-3 * 10**400, "−3e400"), (99_999 * 10**400, "1e405"), (123_456 * 10**400, "1.235e405"), (1234567.0, "1.235e+06"), (None, "–"), (True, "1")])
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

def colors_of(picture):
    """Return the colors of a picture as "#RRGGBB"."""
    r, g, b = (picture[..., k].astype(np.int32).ravel() for k in range(3))
    packed = r << 16 | g << 8 | b
    return {f"#{color:06X}" for color in np.unique(packed[np.diff(packed, prepend=-1) != 0])}  # of a run, its first


def graphs(nb):
    """Return graphs of 1 to 146 nodes by their names."""
    return {
        "one": nb.Node(5.0, "input", "x"), "two": nb.Node(2.0, "weight", "w") * 3,
        "neuron": (nb.Node(2, "input") * nb.Node(-3, "weight") + nb.Node(6.9, "bias")).tanh(),
        "network": nb.hinge_loss([nb.MLP(2, [4, 1], rng=random.Random(1))([1.0, 2.0])], [1]),
        "chain": chain(nb, 140), "146 nodes": network(nb, (2, 5, 5, 1))}


@pytest.mark.parametrize("name, forward", [
    *((name, forward) for name in ("one", "two", "neuron") for forward in (False, True)),
    *(pytest.param(name, forward, marks=pytest.mark.slow) for name, forward in (
        ("network", False), ("network", True), ("chain", True), ("146 nodes", False)))])
def test_a_gif_keeps_the_color_of_every_state_and_role(nb, tmp_path, name, forward):
    root = graphs(nb)[name]
    saved = root.backward(gif=tmp_path / "states.gif", forward=forward, animation_delay=0.5)
    scene = nb._Scene(root)
    frames, _ = filmed(nb, scene, forward=forward)
    timed = [frame for frame, _ in nb._timed(frames, 0.5)]
    roles = {nb._PALETTE[scene.role(i)] for i in range(len(scene.boxes))}
    pictures = iio.imread(saved.path)
    assert len(pictures) == saved.frames
    for frame, picture in zip(timed, pictures, strict=True):
        states = {says[0] for key, says in frame.items() if key[0] == "box"}
        lines = {nb._LINE_COLORS[says[0]] for key, says in frame.items() if key[0] == "box"}
        assert {nb._BODY_COLORS[state] for state in states} | lines | roles <= colors_of(picture)


def test_gif_size_duration_loop_and_frames(nb, neuron, tmp_path):
    saved = neuron.backward(gif=tmp_path / "deep" / "er" / "n.gif")
    gif = Image.open(saved.path)
    assert gif.size == saved.size and gif.info["loop"] == 0
    times = [frame.info["duration"] for frame in
             (gif.seek(i) or gif.copy() for i in range(gif.n_frames))]
    assert times == [1600] + 5 * [90, 90, 90, 90, 90, 750] + [4800] and sum(times) == 1000 * saved.seconds
    pictures = iio.imread(saved.path)
    frames, _ = filmed(nb, nb._Scene(neuron))
    stage = nb._Stage(nb._Scene(neuron), frames)
    timed = nb._timed(frames, 1.2)
    painter = nb._Painter(stage, nb._gif_scale(stage, len(timed)))
    for i, (frame, _) in enumerate(timed):
        want = np.asarray(painter.paint(frame)).astype(int)
        off = np.abs(pictures[i][..., :3].astype(int) - want)
        assert off.mean() < 1 and np.percentile(off, 99) < 40
    assert (pictures[0][2, 2, :3] == 255).all()


def test_letters_of_a_gif_for_a_readme_are_fourteen_pixels(nb, neuron, tmp_path):
    hero = (nb.Node(2, "input", "x1") * nb.Node(-3, "weight", "w1") + nb.Node(0, "input", "x2")
            * nb.Node(1, "weight", "w2") + nb.Node(6.8813735870195432, "bias", "b")).tanh()
    for root in (neuron, hero):
        scene = nb._Scene(root)
        stage = nb._Stage(scene, filmed(nb, scene)[0])
        assert round(nb._TEXT_SIZE * 830 / stage.width, 1) >= 14
        assert root.backward(gif=tmp_path / "readme.gif").size[0] >= 830
    assert (tmp_path / "readme.gif").stat().st_size < 150_000


@pytest.mark.slow
def test_a_gif_of_fifty_nodes_is_small(nb, tmp_path):
    root = network(nb, (2, 4, 1))
    saved = root.backward(gif=tmp_path / "fifty.gif")
    assert len(nb.graph_of(root)) == 50 and saved.path.stat().st_size < 600_000
    assert saved.frames > 5 * 20


@pytest.mark.parametrize("delay, between", [(1.2, 5), (0.3, 5), (0.2, 5), (0.1, 0), (0.02, 0)])
def test_the_time_of_a_step_holds_whatever_moves(nb, neuron, delay, between):
    frames, _ = filmed(nb, nb._Scene(neuron))
    timed = nb._timed(frames, delay)
    assert len(timed) == 7 + 5 * between and min(time for _, time in timed) >= 20
    if between:
        assert sum(time for _, time in timed[1:-1]) == pytest.approx(5000 * delay, abs=60)
    assert timed[0][1] == pytest.approx(4000 / 3 * delay, abs=11)
    assert timed[-1][1] == max(4000 * delay, 3000)


def test_no_picture_of_a_gif_is_shown_longer_than_a_gif_can_say(nb, neuron, tmp_path):
    assert neuron.backward(gif=tmp_path / "n.gif", animation_delay=600, smooth=False).seconds < 7 * 656


def test_many_long_arrows_are_painted_soon(nb):
    """148 arrows over the whole height of the picture; as full images they would take a gigabyte."""
    leaves = [[nb.Node(0.1 * k, role, f"{role[0]}{k}") for k in range(74)] for role in ("weight", "input")]
    drawing = nb.weighted_sum(*leaves).draw_graph()
    begin = time.perf_counter()
    painter = nb._Painter(drawing.stage, 1)
    painter.paint(drawing.frame)
    assert painter.bytes < nb._KEPT_BYTES and time.perf_counter() - begin < 10


def test_the_gif_of_a_long_chain_can_be_read(nb, tmp_path):
    x = nb.Node(0.5, "input", "x")
    for _ in range(30):
        x = x.sin()
    assert 11 <= 12 * x.backward(gif=tmp_path / "chain.gif", smooth=False).size[0] / nb._Stage(
        nb._Scene(x), filmed(nb, nb._Scene(x))[0]).width <= 17


def test_not_smooth_means_that_nothing_moves_in_between(nb, neuron, tmp_path, quiet):
    assert neuron.backward(gif=tmp_path / "n.gif", smooth=False).frames == 7
    player = neuron.backward(animate=True, smooth=False)
    assert all(frame["moves",] == () for frame in player.frames)


# ---- what moves between two steps

def moving(nb, root, forward=False):
    """Return [(frame before, frame after, [frames in between])] of a pass, and its stage."""
    scene = nb._Scene(root)
    frames, _ = filmed(nb, scene, forward=forward)
    stage = nb._Stage(scene, frames)
    steps = [(before, after, [nb._between(before, after, k / 6) for k in range(1, 6)])
             for before, after in zip(frames, frames[1:]) if after["moves",]]
    return stage, steps


def test_each_bead_rides_on_its_arrow_from_the_sender_to_the_receiver(nb, shared, neuron):
    for root, forward in ((shared, False), (shared, True), (neuron, False)):
        stage, steps = moving(nb, root, forward)
        assert len(steps) == len([n for n in nb.graph_of(root) if n in stage.scene.where and n.operands]) * (1 + forward)
        for _, after, between in steps:
            keys = {key for key in between[0] if key[0] == "bead"}
            assert keys == {("bead", *arrow) for arrow, _ in after["moves",]} != set()
            for key in keys:
                a, b = (np.array(stage.at(stage.places["box", i][:2])) for i in key[1:3])
                start, end = (b, a) if after["arrow", *key[1:]][2] else (a, b)
                far = []
                for frame in between:
                    pill = nb._shapes(stage, key, frame[key])[0]
                    center = np.array(pill[1:3]) + np.array(pill[3:5]) / 2
                    points = nb._bezier(stage.curve(key[1:])[1])
                    ends = np.array([stage.curve(key[1:])[0], stage.curve(key[1:])[2]])
                    gap = np.hypot(*(np.vstack([points, ends]) - center).T).min()
                    assert gap < 5, "the bead is off its arrow"
                    far.append((abs(center - start)[0], abs(center - end)[0]))
                assert [x for x, _ in far] == sorted(x for x, _ in far)
                assert [x for _, x in far] == sorted((x for _, x in far), reverse=True)


def test_a_bead_carries_what_its_receiver_gets(nb, shared):
    stage, steps = moving(nb, shared)
    said = [[text for _, text in after["moves",]] for _, after, _ in steps]
    assert said == [["7", "6"], ["6"], ["26"]]
    stage, steps = moving(nb, shared, forward=True)
    assert [[text for _, text in after["moves",]] for _, after, _ in steps][:3] == [["3"], ["6"], ["6", "7"]]
    text = [shape for shape in nb._shapes(stage, *[(k, v) for k, v in steps[0][2][2].items() if k[0] == "bead"][0])
            if shape[0] == "text"]
    assert [shape[-1] for shape in text] == ["3"]


@pytest.mark.parametrize("numbers, text", [((7, 6, 13), "7 + 6 = 13"), ((7, -6, 1), "7 − 6 = 1"),
                                           ((-0.5, 0.25, -0.25), "−0.5 + 0.25 = −0.25"), ((0, -2, -2), "0 − 2 = −2")])
def test_a_sum_is_written_as_people_write_it(nb, numbers, text):
    assert nb._sum_text(*numbers) == text


def test_a_receiver_counts_up_when_the_number_has_arrived(nb, shared):
    stage, steps = moving(nb, shared)
    scene = stage.scene
    for before, after, between in steps:
        receiving = [key for key, says in after.items() if key[0] == "box" and says[0] == "receiving"]
        assert receiving
        for frame in between:
            for key, says in frame.items():
                if key[0] == "box":
                    assert says == (before if key in receiving else after)[key]
                if key[0] == "arrow" and key[1:] in dict(after["moves",]):
                    assert after[key][1].startswith(says[1]) and " = " not in says[1]
            assert frame["caption",] == after["caption",]
    before, after, between = steps[1]
    b = next(("box", i) for i in range(4) if scene.title(i).startswith("b ="))
    assert (before[b][2], between[-1][b][2], after[b][2]) == ("7", "7", "7 + 6 = 13")
    assert "7 + 6 = 13" in [s[-1] for s in nb._shapes(stage, b, after[b]) if s[0] == "text"]


def test_a_graph_whose_values_were_changed_has_no_forward_film(nb, shared):
    """Its slopes are those of the old values, so every formula would be false."""
    filmed(nb, nb._Scene(shared), forward=True)
    leaf = nb.graph_of(shared)[0]
    leaf.value += 1
    with pytest.raises(RuntimeError, match="build it again"):
        filmed(nb, nb._Scene(shared), forward=True)
    filmed(nb, nb._Scene(shared))


def test_sentences_say_that_an_array_is_one(nb):
    w = nb.Tensor(np.ones((2, 3)), "weight", "W")
    root = (w * w).sum()
    root.backward()
    frames, _ = filmed(nb, nb._Scene(root), np.array(1.0))
    assert [frame["caption",] for frame in frames[:3]] == [
        ("Start: sum starts with gradient 1", "Every other gradient starts at 0."),
        ("Step 1 of 2: sum sends its gradient 1 back", "the × of shape (2, 3) gets shape (2, 3)"),
        ("Step 2 of 2: × multiply sends its gradient of shape (2, 3) back",
         "W gets shape (2, 3) and waits for 1 more; W gets shape (2, 3)")]
    assert dict(frames[1]["moves",]) == {(1, 2, 0): ""}


def test_arrays_with_plain_arrays_have_a_forward_film(nb):
    w = nb.Tensor(np.ones((2, 3)), "weight", "W")
    for root in ((np.ones((4, 2)) @ w).sum(), (w * 2).sum(), (2 - w).sum()):
        root.backward()
        frames, _ = filmed(nb, nb._Scene(root), np.array(1.0), forward=True)
        assert "of W = " in frames[1]["caption",][1]


def test_a_sender_pulses(nb, neuron):
    stage, steps = moving(nb, neuron)
    for _, after, between in steps:
        senders = {("pulse", key[1]) for key, says in after.items() if key[0] == "box" and says[0] == "sending"}
        assert senders == {key for key in between[0] if key[0] == "pulse"} != set()
        assert not any(key[0] == "pulse" for key in between[-1])
        for key in senders:
            wide = [nb._shapes(stage, key, frame[key])[0][3] for frame in between if key in frame]
            assert wide == sorted(wide) and wide[-1] - stage.box(key[1])[2] <= 8


def test_several_on_one_arrow_have_a_bead_without_a_number(nb):
    x = nb.Node(2.0, "input", "x")
    root = nb.total([x] * 500)
    stage, steps = moving(nb, root)
    assert [text for _, after, _ in steps for _, text in after["moves",]] == [""]
    assert len(nb._shapes(stage, ("bead", 0, 1, 0), ("", 0.5))) == 1


def test_same_graph_same_bytes(nb, neuron, tmp_path, quiet):
    for name in "ab":
        neuron.backward(gif=tmp_path / f"{name}.gif")
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    pages = {neuron.backward(animate=True).html for _ in range(2)}
    assert len(pages) == 1
    assert neuron.draw_graph().png == neuron.draw_graph().png


def test_gif_by_itself_needs_no_animate(nb, neuron, tmp_path, quiet):
    assert isinstance(neuron.backward(gif=str(tmp_path / "n.gif")), nb._SavedGif)
    assert quiet == [] and (tmp_path / "n.gif").stat().st_size < 150_000


def test_a_gif_shows_itself_from_its_own_bytes(nb, neuron, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = neuron.backward(gif="n.gif")
    (neuron * 2).backward(gif="n.gif")
    for saved in (first, (neuron * 2).backward(gif="n.gif")):
        page = saved._repr_mimebundle_()["text/html"]
        code = re.search(r'src="data:image/gif;base64,([^"]+)"', page)[1]
        assert base64.b64decode(code) == saved.data and "image/gif" not in saved._repr_mimebundle_()
        assert 'download="n.gif"' in page and "w1.grad" in page and "<details open" in page
    assert saved.data == (tmp_path / "n.gif").read_bytes() != first.data


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
    stage = drawing.stage
    boxes = [stage.box(i) for i in range(10)]
    for i, (x, y, w, h) in enumerate(boxes):
        assert 0 <= x and x + w <= stage.width and 0 <= y and y + h <= stage.height
        for u, v, wide, high in boxes[:i]:
            assert x >= u + wide or u >= x + w or y >= v + high or v >= y + h
    for a, b, _ in drawing.scene.arrows:
        assert boxes[b][rankdir == "TB"] > boxes[a][rankdir == "TB"] + boxes[a][2 + (rankdir == "TB")]
    assert neuron.backward(gif=tmp_path / "n.gif", smooth=False).frames == 7


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
@pytest.mark.parametrize("dot", [True, False])
def test_arrows_join_their_boxes(nb, shared, monkeypatch, rankdir, dot):
    if not dot:
        monkeypatch.setattr(nb, "_dot_programs", list)
    model = nb.MLP(2, [4, 1], rng=random.Random(1))
    a = nb.Node(2.0)
    for root in (shared, nb.hinge_loss([model([1.0, 2.0])], [1]), (a + a) * (a * 3 + a), chain(nb, 4) * a + a):
        stage = root.draw_graph(rankdir=rankdir).stage
        ends = set()
        for arrow in stage.scene.arrows:
            tail, curve, head = stage.curve(arrow)
            assert len(curve) % 3 == 1
            ends |= {tail, head}
            for (x, y), i, far in ((tail, arrow[0], 1), (head, arrow[1], 0)):
                left, top, width, height = stage.box(i)
                edge = (left + far * width, top + far * height)[rankdir == "TB"]
                assert (x, y)[rankdir == "TB"] == pytest.approx(edge)
                assert left < x < left + width if rankdir == "TB" else top < y < top + height
        assert len(ends) == 2 * len(stage.scene.arrows)


@pytest.mark.parametrize("answer", ["exit 1", "echo {}", "echo []", "echo null", "echo garbage", "echo node s0",
                                    "printf '\\377\\376'", "true", "echo node s0 1 nan 1 1", "kill $$"])
def test_broken_graphviz_falls_back(nb, neuron, monkeypatch, tmp_path, answer):
    monkeypatch.setattr(nb, "_dot_programs", list)
    own = neuron.draw_graph().svg
    broken = tmp_path / "dot"
    broken.write_text(f"#!/bin/sh\n{answer}\n")
    broken.chmod(0o755)
    monkeypatch.setattr(nb, "_dot_programs", lambda: [str(broken)])
    assert neuron.draw_graph().svg == own


def test_a_long_name_is_cut_but_not_what_it_names(nb):
    x = nb.Node(2.0, "weight", "a name that is much too long for any box of a picture")
    drawing = (x * 3).draw_graph()
    header = [s[-1] for s in nb._shapes(drawing.stage, ("box", 0), drawing.frame["box", 0]) if s[0] == "text"][0]
    assert header.startswith("a name that is") and header.endswith("… weight")
    assert nb._text_width(header, bold=True) <= drawing.stage.box(0)[2] and x.name in drawing.svg


def test_leaves_of_one_box_stand_in_the_order_of_its_operands(nb):
    hero = (nb.Node(2, "input", "x1") * nb.Node(-3, "weight", "w1") + nb.Node(0, "input", "x2")
            * nb.Node(1, "weight", "w2") + nb.Node(6.88, "bias", "b")).tanh()
    stage = hero.draw_graph().stage
    down = {stage.scene.title(i): stage.box(i)[1] for i in range(10)}
    assert down["x1 input"] < down["w1 weight"] < down["x2 input"] < down["w2 weight"]


# ---- the player

def test_arrays_can_be_drawn(nb):
    def double(x):
        return x * 2, (lambda g: g * 2,)
    x = nb.Tensor(np.ones((2, 3)))
    y = nb.lift_arrays(double)(x)
    drawing = nb._draw_graph(y)
    assert drawing.frame["box", 0][1] == ("(2, 3)", ("888", "888")) and drawing.png
    y.grad, x.grad = np.ones((2, 3)), np.array([[-2, -1, 0], [0.1, 1, 2]])
    drawing = nb._draw_graph(y)
    assert drawing.frame["box", 0][2] == ("(2, 3)", ("024", "568"))
    assert "value (2, 3), grad (2, 3)" in drawing.alt and "<image" in drawing.svg
    y.grad, x.grad = np.ones((2, 3)), 2 * np.ones((2, 3))
    frames, _ = nb._film(nb._Scene(y), [y])
    assert frames[-1]["box", 0] == ("done", ("(2, 3)", ("888", "888")), ("(2, 3)", ("888", "888")))


@pytest.mark.parametrize("array, rows", [
    (np.zeros((2, 2)), ("44", "44")), (np.array([1.0, -4.0]), ("50",)), (np.array([[np.nan, 1.0]]), ("48",)),
    (np.array([1e-300, -1e300]), ("50",)), (np.zeros((0, 3)), ("",)), (np.ones((2, 2, 1)), ("8", "8", "8", "8"))])
def test_a_heat_map_shows_sign_and_size(nb, array, rows):
    assert nb._heat(array) == rows


def test_a_large_array_has_a_small_map_and_exact_colors(nb, tmp_path):
    w = nb.Tensor(np.random.default_rng(0).normal(size=(64, 300)), "weight")
    root = (w * w).sum()
    assert [len(nb._heat(w.value)), len(nb._heat(w.value)[0])] == [10, 16]
    saved = root.backward(gif=tmp_path / "w.gif")
    shown = colors_of(iio.imread(saved.path)[-1])
    assert {nb._HEAT[int(step)] for row in nb._heat(w.value) for step in row} <= shown
    assert nb.Tensor(np.zeros((0, 3))).sum().draw_graph().png
    assert nb._heat(np.zeros((3, 0))) == ("", "", "") and nb.Tensor(np.zeros((3, 0))).draw_graph().png


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
