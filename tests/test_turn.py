"""Your turn: the reader's own landscape and its GIF, and the digit that is drawn by hand."""
import base64
import functools
import html
import io
import itertools
import math
import random
import re
import time

import numpy as np
import pytest
from PIL import Image

PLANES = {  # f of nodes, and the same of floats
    "himmelblau": (lambda x, y: (x * x + y - 11)**2 + (x + y * y - 7)**2,
                   lambda x, y: (x * x + y - 11)**2 + (x + y * y - 7)**2),
    "hills": (lambda x, y: (x * x + y * y) / 10 + (2 * x).sin() + (x + 2 * y).cos(),
              lambda x, y: (x * x + y * y) / 10 + math.sin(2 * x) + math.cos(x + 2 * y)),
    "ridge": (lambda x, y: (x * y / 5).exp() + abs(x - y) / (1 + y * y), lambda x, y: math.exp(x * y / 5)
              + abs(x - y) / (1 + y * y)),
    "one number": (lambda x, y: y.tanh() * 3, lambda x, y: math.tanh(y) * 3),
    "a choice": (lambda x, y: x * y if x.value > 1 else y - x, lambda x, y: x * y if x > 1 else y - x)}
HILLS = PLANES["hills"][0]


def three(nb, rate=0.2):
    return {"plain": functools.partial(nb.SGD, rate=rate), "Adam": functools.partial(nb.Adam, rate=rate),
            "momentum": functools.partial(nb.SGD, rate=rate, momentum=0.9)}


def land_of(nb, f, optimizers, start=(4, -2), steps=30, xlim=(-5, 5), ylim=(-5, 5)):
    return nb._Landscape(f, optimizers, start, steps, xlim, ylim)


def slopes(f, x, y, h=1e-5):
    return np.array([f(x + h, y) - f(x - h, y), f(x, y + h) - f(x, y - h)]) / (2 * h)


def by_formula(f, name, rate, start, steps):
    """Return the points through which an optimizer goes, by its formula and central differences."""
    spot, memory, squares, way = np.array(start, float), np.zeros(2), np.zeros(2), [tuple(start)]
    for k in range(1, steps + 1):
        g = slopes(f, *spot)
        if name == "Adam":
            memory, squares = 0.9 * memory + 0.1 * g, 0.999 * squares + 0.001 * g * g
            spot = spot - rate * memory / (1 - 0.9**k) / (np.sqrt(squares / (1 - 0.999**k)) + 1e-8)
        else:
            memory = (0.9 if name == "momentum" else 0) * memory + g
            spot = spot - rate * memory
        way.append(tuple(spot))
    return way


# ---------------------------------------------------------------- a landscape
@pytest.mark.parametrize("name", PLANES)
def test_heights_are_those_of_f(nb, name):
    f, plain = PLANES[name]
    land = land_of(nb, f, {"a": nb.SGD}, (2, 1), steps=1, xlim=(-3, 4), ylim=(-1, 5))
    assert land.heights.shape == (len(land.ys), len(land.xs)) and min(land.heights.shape) >= 60
    assert (land.xs[0], land.xs[-1], land.ys[0], land.ys[-1]) == (-3, 4, -1, 5)
    want = [[plain(x, y) for x in land.xs.tolist()] for y in land.ys.tolist()]
    assert np.allclose(land.heights, want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["himmelblau", "hills", "ridge", "one number"])
@pytest.mark.parametrize("start", [(2, 1), (-1.5, 3)])
def test_ways_are_those_of_the_formulas(nb, name, start):
    f, plain = PLANES[name]
    land = land_of(nb, f, three(nb, 0.01), start, steps=25)
    assert list(land.ways) == ["plain", "Adam", "momentum"]
    for kind, (way, why) in land.ways.items():
        assert why == "" and len(way) == 26
        assert np.allclose([spot[:2] for spot in way], by_formula(plain, kind, 0.01, start, 25), rtol=1e-5, atol=1e-6)
        assert [h for *_, h in way] == pytest.approx([plain(x, y) for x, y, _ in way], rel=1e-12)


def test_an_optimizer_steps_as_often_as_asked(nb):
    steps = []
    mine = type("Mine", (), {"step": lambda self: steps.append(1)})()
    nb._descend(lambda: nb.Node(2) * 3, [nb.Node(1), nb.Node(1)], mine, 7)
    assert len(steps) == 7


def test_the_lowest_point_is_the_lowest_of_map_and_ways(nb):
    land = land_of(nb, HILLS, three(nb), steps=60)
    spots = [(h, x, y) for way, _ in land.ways.values() for x, y, h in way]
    i, j = np.unravel_index(land.heights.argmin(), land.heights.shape)
    assert land.lowest == min([*spots, (land.heights[i, j], land.xs[j], land.ys[i])])
    far = land_of(nb, HILLS, three(nb), steps=60, xlim=(3, 5))
    assert all(3 <= x <= 5 for x in (far.lowest[1], far.first[0])), "what lies off the map is not the lowest on it"
    star, = [line for line in land.drawn()[0].axes[0].lines if line.get_marker() == "*"]
    assert (star.get_xdata()[0], star.get_ydata()[0]) == land.lowest[1:]


def test_each_ends_in_a_valley_of_its_own(nb):
    """What the notebook says of its example."""
    ways = land_of(nb, HILLS, three(nb), steps=60).ways
    ends = [way[-1] for way, _ in ways.values()]
    assert all(math.dist(a[:2], b[:2]) > 2 for a, b in itertools.combinations(ends, 2))
    assert all(math.hypot(*slopes(PLANES["hills"][1], x, y)) < 0.3 for x, y, _ in ends)
    words = nb.plot_landscape(HILLS, three(nb, 1), (4, -2)).alt
    assert "momentum leaves the map at step" in words and "plain leaves the map at step" in words


def test_where_f_is_undefined_the_map_is_striped_and_a_way_stops(nb):
    f = lambda x, y: x * x - (x + y).log() + y * y  # noqa: E731
    land = land_of(nb, f, three(nb), (3, 3), steps=60)
    bare = np.add.outer(land.ys, land.xs) <= 0
    assert (np.isnan(land.heights) == bare).all() and 0.4 < bare.mean() < 0.6
    way, why = land.ways["momentum"]
    assert why.startswith("log of -") and math.isnan(way[-1][2]) and not any(math.isnan(h) for *_, h in way[:-1])
    assert sum(way[-1][:2]) <= 0 < sum(way[-2][:2])
    told = f"momentum stops at step {len(way) - 1}, at {land.place(way[-1])}: log of -"
    assert told in land.alt and f"{bare.mean():.0%} of it has no height" in land.alt
    for step in (len(way) - 1, len(way), 60):
        assert land.row("momentum", step) == f"momentum: stopped at step {len(way) - 1}"
    assert land.row("momentum", 1).startswith("momentum: height ")
    assert land.drawn()[0].axes[0].patch.get_hatch() and land.pictures([60])
    assert not land_of(nb, HILLS, three(nb)).drawn()[0].axes[0].patch.get_hatch()
    hole = land_of(nb, lambda x, y: 1 / (x * y), {"a": nb.SGD}, (3, 3))
    blank = np.isnan(hole.heights)
    assert blank[45].all() and blank[:, 45].all() and blank.sum() == 181


def test_ways_that_leave_or_overflow_are_told(nb):
    f = PLANES["himmelblau"][0]
    land = land_of(nb, f, three(nb), (4, 4), steps=60)
    way, why = land.ways["plain"]
    assert "larger than any float" in why and abs(way[-1][0]) > 1e50
    assert f"plain leaves the map at step 1 and stops at step {len(way) - 1}, at (" in land.alt
    assert "Adam ends at (" in land.alt and land.row("plain", 2) == "plain: off the map"
    fall = land_of(nb, lambda x, y: -x * x * x * x, three(nb), (1, 1), steps=60)
    assert "the height is −inf" in fall.alt
    slope = land_of(nb, lambda x, y: 2 * x, {"a": functools.partial(nb.SGD, rate=1)}, (1, 1), steps=5)
    assert "a leaves the map at step 4 and ends at (−9, 1), height −18." in slope.alt
    back = land_of(nb, lambda x, y: x * x + y * y, {"a": functools.partial(nb.SGD, rate=0.98)}, (4, 0), steps=2,
                   xlim=(-3, 5))
    assert "a leaves the map at step 1 and ends at (3.69, 0)" in back.alt
    for drawn in (land, fall, slope, back):
        assert drawn.pictures([drawn.steps])  # a warning of matplotlib would fail here
    flat = nb.plot_landscape(lambda x, y: x * 0 + 2, three(nb), (1, 1), steps=2)
    assert "plain ends at (1, 1), height 2" in flat.alt
    assert nb.plot_landscape(lambda x, y: (x * x * x * 40).exp(), three(nb), (-1, 1), steps=2).data


def test_bands_leave_the_valleys_visible(nb):
    """Each band covers at least as much as the one below, whatever the heights."""
    for f, _ in PLANES.values():
        land = land_of(nb, f, {"a": nb.SGD}, (2, 1), steps=1)
        fig, ax = nb.plt.subplots()
        nb._draw_heights(ax, land.xs, land.ys, land.heights, land.lowest[1:])
        levels = ax.collections[0].levels
        nb.plt.close(fig)
        assert levels[0] == land.heights.min() and levels[-1] == land.heights.max()
        counts = np.histogram(land.heights, levels)[0]
        assert len(counts) == len(nb._HEIGHT_COLORS) and counts[0] < 0.03 * counts.sum() < counts[-1]
        assert counts[0] < counts[4] < counts[-1]
    assert len({style["color"] for style in nb._WAY_LOOKS}) == len({style["marker"] for style in nb._WAY_LOOKS}) == len(
        {str(style["linestyle"]) for style in nb._WAY_LOOKS}) == len(nb._WAY_LOOKS)


def test_what_is_painted_at_a_step(nb):
    land = land_of(nb, HILLS, three(nb), steps=20)
    fig, parts, paint = land.drawn()
    plane, curve = fig.axes
    for step in (0, 7, 20):
        paint(step)
        assert parts[-1].get_text() == f"step {step} of 20"
        texts = [text.get_text() for text in curve.get_legend().texts]
        for k, (name, (way, _)) in enumerate(land.ways.items()):
            line, head, fall = plane.lines[1 + 2 * k], plane.lines[2 + 2 * k], curve.lines[k]
            assert np.allclose(np.array(line.get_data()).T, [spot[:2] for spot in way[:step + 1]])
            assert np.allclose(np.array(head.get_data()).T, [way[step][:2]])
            assert np.allclose(fall.get_ydata(), [spot[2] for spot in way[:step + 1]])
            assert texts[k] == f"{name}: height {nb._num(way[step][2], 3)}".replace("-", "−")
        assert texts[-1] == "start: height 3.99" and texts[-2].startswith("lowest found: −1.8")


@pytest.fixture(scope="module")
def film(nb, tmp_path_factory):
    """The GIF of the notebook's example, as it was written."""
    return nb.plot_landscape(HILLS, three(nb), (4, -2), gif=tmp_path_factory.mktemp("land") / "new" / "descent.gif")


def test_the_gif_of_a_landscape(nb, film):
    gif = Image.open(io.BytesIO(film.data))
    frames, times = [], []
    for k in range(gif.n_frames):
        gif.seek(k)
        frames.append(np.asarray(gif.convert("RGB")))
        times.append(gif.info["duration"])
    assert film.path.read_bytes() == film.data and len(film.data) < 250_000
    assert 20 <= len(frames) <= 40 and film.frames == len(frames) and gif.size == film.size and gif.size[0] == 900
    assert times[-1] == 3000 and 100 <= min(times) <= max(times[1:-1]) <= 300 and film.seconds == sum(times) / 1000
    changed = [(a != b).any(-1) for a, b in zip(frames, frames[1:])]
    assert all(0 < part.mean() < 0.05 for part in changed), "only ways and words change: the layout stands"
    rim = np.array(changed).any(0)
    assert not rim[-40:].any() and not rim[:, :60].any(), "the axes stand still"
    for style in nb._WAY_LOOKS[:3]:
        color = nb.ImageColor.getrgb(style["color"])
        there = [(frame == color).all(-1)[30:430, 90:530].sum() for frame in frames[::8]]
        assert there[0] + 100 < there[1] and there[0] + 300 < there[-1], "a way grows in its color"
    bundle = film._repr_mimebundle_()
    assert len(bundle["text/html"]) < 40_000 and "image/gif" not in bundle["text/html"]
    still = re.search(r'src="data:image/webp;base64,([\w+/=]+)"', bundle["text/html"])[1]
    still = np.asarray(Image.open(io.BytesIO(base64.b64decode(still))).convert("RGB"))
    assert (still == frames[-1]).all(), "the picture in its place is its end"
    assert "descent.gif" in bundle["text/plain"] and html.escape(film.alt) in bundle["text/html"]


def test_a_short_gif_and_one_that_cannot_be_written(nb, tmp_path):
    film = nb.plot_landscape(HILLS, {"a": nb.SGD}, (1, 1), steps=2, gif=tmp_path / "b.gif")
    assert film.frames == 3 and "a ends at" in film.alt
    with pytest.raises(OSError, match="is a folder: add a file name"):
        nb.plot_landscape(HILLS, {"a": nb.SGD}, (1, 1), gif=tmp_path)


@pytest.mark.parametrize("change, kind, said", [
    ({"f": lambda x, y: 3}, TypeError, "f takes two Nodes and returns a Node.*returned int: 3"),
    ({"f": lambda x, y: math.sin(x)}, TypeError, "stopped with TypeError: this would lose"),
    ({"f": lambda x: x}, TypeError, "takes 1 positional argument"),
    ({"f": lambda x, y: (x - 9).log()}, ValueError, "no height at the start .*log of -8: .*another start"),
    ({"start": (9, 1)}, ValueError, "off the map"), ({"start": 3}, ValueError, "start is two numbers"),
    ({"start": (1, math.nan)}, ValueError, "start is two numbers"), ({"xlim": (3, 1)}, ValueError, "from low to high"),
    ({"steps": 0}, ValueError, "whole number from 1"), ({"steps": 2.5}, ValueError, "whole number from 1"),
    ({"optimizers": {}}, ValueError, "one to 6 optimizers"), ({"optimizers": [1]}, TypeError, "optimizers is {name"),
    ({"optimizers": {"a": 3}}, TypeError, "optimizers is {name"),
    ({"optimizers": dict.fromkeys("abcdefg", len)}, ValueError, "told apart; got 7")])
def test_refusals_of_a_landscape(nb, change, kind, said):
    given = {"f": HILLS, "optimizers": {"a": nb.SGD}, "start": (1, 1)} | change
    with pytest.raises(kind, match=said):
        nb.plot_landscape(**given)


# ---------------------------------------------------------------- a digit
@pytest.fixture(scope="module")
def model(nb):
    """A network of the shape of `ten`, with weights that nobody trained, and gradients that it keeps."""
    made = nb.dense([64, 64, 32, 10], np.random.default_rng(3))
    for k, p in enumerate(made.parameters()):
        p.grad = np.full(p.value.shape, float(k))
    return made


@pytest.fixture(scope="module")
def trained(nb):
    """A network that reads digits, in a few seconds."""
    (images, truth), *_ = nb.digit_images()
    made = nb.dense([64, 64, 32, 10], np.random.default_rng(0))
    nb.Training(made, images, truth, nb.cross_entropy, nb.SGD(made.parameters(), 0.05, momentum=0.9), steps=400,
                batch=32).train(live=False)
    return made


def forward(model, image):
    """Return the scores of a dense model, by NumPy alone."""
    x = image
    for k, layer in enumerate(model.layers):
        x = x @ layer.weight.value + layer.bias.value
        x = np.maximum(x, 0) if k < len(model.layers) - 1 else x
    return x


def softmax(z):
    return np.array([1 / sum(math.exp(min(700, b - a)) for b in z) for a in z])


@pytest.mark.parametrize("seed", range(4))
def test_probabilities_and_gradient(nb, model, seed):
    image = np.random.default_rng(seed).uniform(size=64)
    shares, first, second, gradient = nb._read_digit(model, image)
    z = forward(model, image)
    assert np.allclose(shares, softmax(z), rtol=1e-12) and [first, second] == np.argsort(-z)[:2].tolist()
    for k in range(64):
        push = 1e-6 * (np.arange(64) == k)
        up, down = forward(model, image + push), forward(model, image - push)
        slope = (up[first] - up[second] - down[first] + down[second]) / 2e-6
        assert gradient[k] == pytest.approx(slope, rel=1e-5, abs=1e-7)
    assert all((p.grad == k).all() for k, p in enumerate(model.parameters())), "the model keeps its own gradients"


def test_the_picture_of_a_digit(nb, model):
    image = np.random.default_rng(1).uniform(size=64)
    image[:3] = 0, 1, 0.5
    picture = nb._DigitPicture(model, image)
    boxes = [shape for shape in picture.shapes() if shape[0] == "box"]
    assert len(boxes) == 1 + 64 + 10 + 1 + 64
    left, bars, right = boxes[1:65], boxes[65:75], boxes[76:]
    assert [box[5] for box in left[:3]] == ["#FFFFFF", "#1A1A1A", "#8D8D8D"]
    assert [int(box[5][1:3], 16) for box in left] == [255 - round(229 * v) for v in image]
    for squares in (left, right):
        (_, x, y, *_), wide, high = squares[0], squares[1][1] - squares[0][1], squares[8][2] - squares[0][2]
        places = [(round((box[1] - x) / wide), round((box[2] - y) / high)) for box in squares]
        assert places == [(k % 8, k // 8) for k in range(64)]
    assert [box[3] for box in bars] == [max(1, 128 * share) for share in picture.shares]
    assert [box[5] == nb._ACCENT for box in bars] == [digit == picture.first for digit in range(10)]
    for box, slope in zip(right, picture.gradient):
        red, _, blue = nb.ImageColor.getrgb(box[5])
        assert red > blue if slope > 0.01 else blue > red if slope < -0.01 else red - blue < 12
    texts = [shape[-1] for shape in picture.shapes() if shape[0] == "text"]
    strong = picture.gradient / abs(picture.gradient).max()
    assert (texts.count("+"), texts.count("−")) == ((strong >= 0.4).sum(), (strong <= -0.4).sum())
    best, worst = picture.gradient.argmax(), picture.gradient.argmin()
    for k, digit, sign in ((best, picture.first, ""), (worst, picture.second, "−")):
        number = sign + nb._num(abs(picture.gradient[k]), 3)
        assert (f"More ink in row {k // 8 + 1}, column {k % 8 + 1} speaks most for the {digit} "
                f"(gradient {number}).") in picture.alt
    for digit, share in enumerate(picture.shares):
        assert f"{digit}: {nb._percent(share)}" in picture.alt
    assert picture.verdict == (f"It reads {nb._a_digit(picture.first)}: {nb._percent(picture.shares[picture.first])}; "
                               f"next {nb._a_digit(picture.second)}: {nb._percent(picture.shares[picture.second])}.")
    assert [nb._a_digit(d) for d in (0, 1, 8)] == ["a 0", "a 1", "an 8"]


def painted(image, cells, on, soft):
    """Return an image after a stroke, cell by cell."""
    old = {(k // 8, k % 8): v for k, v in enumerate(image.tolist())}
    line = {(k // 8, k % 8) for k in cells}
    beside = lambda spot: [(spot[0] + a, spot[1] + b) for a, b in ((0, 1), (1, 0), (0, -1), (-1, 0))]  # noqa: E731
    new = {spot: float(on) if spot in line else v for spot, v in old.items()}
    for spot in new.keys() - line if soft else ():
        if line.intersection(beside(spot)):
            if on:
                new[spot] = max(old[spot], 0.5)
            elif old[spot] <= 0.5 and all(new.get(other, 0) <= 0.5 or old[other] <= 0.5 for other in beside(spot)):
                new[spot] = 0.0
    return np.array([new[k // 8, k % 8] for k in range(64)])


@pytest.mark.parametrize("soft", [True, False])
@pytest.mark.parametrize("on", [True, False])
def test_strokes(nb, on, soft):
    rng = random.Random(5)
    for _ in range(60):
        image = np.array([rng.choice((0, 0, 0.5, 0.3, 0.8, 1)) for _ in range(64)])
        cells = rng.sample(range(64), rng.randint(1, 9))
        before = image.copy()
        assert nb._painted(image, cells, on, soft).tolist() == painted(image, cells, on, soft).tolist()
        assert (image == before).all()
    full, none = nb._painted(np.zeros(64), [0, 63], True, True), np.zeros(64)
    assert full[[0, 1, 8, 62, 55]].tolist() == [1, 0.5, 0.5, 0.5, 0.5] and full.sum() == 4
    assert nb._painted(full, [0, 63], False, True).tolist() == none.tolist(), "an eraser leaves nothing"


@pytest.fixture
def pad(nb, model):
    images = np.random.default_rng(2).integers(0, 3, (3, 64)) / 2
    return nb._DigitPad(model, images, np.array([4, 8, 2]))


def cells_of(pad):
    """Return {label: (pressed, tabindex)} of the grid, as the page gets it."""
    return {label: (pressed == "true", int(tab)) for pressed, tab, label in re.findall(
        r'<button type="button" aria-pressed="(\w+)" tabindex="(-?\d)" aria-label="(.+?)"></button>', pad.grid.value)}


def test_every_cell_can_be_painted_and_erased(nb, pad):
    pad.pen.value = "thin"
    for k in range(64):
        pad.put(np.zeros(64))
        pad.take(f"{pad.version} +{k}")
        assert pad.image.tolist() == (np.arange(64) == k).tolist()
        pad.take(f"{pad.version} +{k} -{k}")
        assert not pad.image.any()
    pad.put(np.arange(64) / 63)
    cells = cells_of(pad)
    assert list(cells) == [f"row {k // 8 + 1}, column {k % 8 + 1}" for k in range(64)]
    assert [pressed for pressed, _ in cells.values()] == [k / 63 > 0.5 for k in range(64)]
    assert [tab for _, tab in cells.values()] == [-1] * 63 + [0], "one stop for the tab key: the last cell painted"
    pad.put(np.full(64, 0.5))
    assert not any(pressed for pressed, _ in cells_of(pad).values()), "the gray beside a line is no line"
    assert pad.grid.value.count('role="row"') == 8 and pad.grid.value.count('role="gridcell"') == 64
    assert pad.grid.value.count('role="grid"') == 1


def test_strokes_grow_and_none_is_lost(nb, pad):
    pad.undo()
    pad.put(np.zeros(64))
    start, version = pad.image, pad.version
    pad.field.value = f"{version} +1,2"
    assert pad.image.tolist() == painted(start, [1, 2], True, True).tolist()
    pad.field.value = f"{version} +1,2,3"
    first = painted(start, [1, 2, 3], True, True)
    assert pad.image.tolist() == first.tolist() and cells_of(pad)["row 1, column 2"] == (False, -1)
    pad.pen.value = "thin"
    pad.field.value = f"{version} +1,2,3,4 -2 +60"  # three at once: what came while the kernel was busy
    grown = painted(start, [1, 2, 3, 4], True, True)
    both = painted(grown, [2], False, False), painted(painted(grown, [2], False, False), [60], True, False)
    assert pad.image.tolist() == both[1].tolist(), "each stroke keeps its pen"
    pad.undo()
    assert pad.image.tolist() == both[0].tolist() and cells_of(pad)["row 1, column 3"][0] is False
    pad.field.value = f"{version} +9"  # painted on a grid that is no longer there
    assert pad.image.tolist() == both[0].tolist()
    pad.undo()
    assert pad.image.tolist() == grown.tolist() and cells_of(pad)["row 1, column 3"][0]
    pad.undo()
    assert pad.image.tolist() == start.tolist()
    for _ in range(9):
        pad.undo()
    assert pad.image.tolist() == pad.images[0].tolist() and pad.past == []
    pad.take("")
    pad.take(f"{pad.version}")
    assert pad.image.tolist() == pad.images[0].tolist()


def words(pad):
    return html.unescape(re.sub("<style.*?</style>|<[^>]+>", "", pad.said.value))


def test_examples_clear_and_undo(nb, pad):
    buttons = {b.description: b for b in pad.widget.children[0].children}
    assert list(buttons) == ["pen", "Undo", "Clear", "Another example"] and "In truth it is a 4." in words(pad)
    for k, said in ((1, "an 8"), (2, "a 2"), (0, "a 4"), (1, "an 8")):
        buttons["Another example"].click()
        assert pad.image.tolist() == pad.images[k].tolist() and f"In truth it is {said}." in words(pad)
    pad.take(f"{pad.version} +3")
    assert "In truth" not in words(pad), "a changed image has no label"
    buttons["Clear"].click()
    assert not pad.image.any() and words(pad).startswith(pad.shown.verdict)
    assert pad.shown.shares.tolist() == nb._read_digit(pad.model, np.zeros(64))[0].tolist()
    buttons["Undo"].click()
    buttons["Undo"].click()
    assert pad.image.tolist() == pad.images[1].tolist() and "In truth it is an 8." in words(pad)
    assert "role" in pad.said.value and "status" in pad.said.value
    assert html.escape(pad.shown.alt) in pad.shows.value and pad.shown.svg in pad.shows.value


def test_without_examples_the_grid_is_empty(nb, model):
    pad = nb._DigitPad(model, np.zeros((0, 64)), None)
    assert [b.description for b in pad.widget.children[0].children] == ["pen", "Undo", "Clear"] and not pad.image.any()
    one = nb.draw_digit(model, np.eye(8))
    assert "aria-pressed=\"true\"" in one.widget.children[1].children[1].value


def test_where_no_kernel_runs_a_picture_stands(nb, model, quiet):
    nb.draw_digit(model, np.eye(64)[:4] / 2)._ipython_display_()
    page, widget = quiet
    text = page["text/html"]
    assert "Run this cell to draw a digit." in text and text.count("<img ") == 1 and len(text) < 20_000
    assert "mg-digit" in widget._dom_classes and "It reads" in text


def test_an_answer_takes_no_time(pad):
    spent = []
    for k in range(8):
        began = time.perf_counter()
        pad.take(f"{pad.version} +{','.join(map(str, range(k + 1)))}")
        spent.append(time.perf_counter() - began)
    assert min(spent) < 0.05


@pytest.mark.parametrize("made, kind, said", [
    (lambda nb: nb.dense([64, 8, 1], np.random.default_rng(0)), ValueError, r"this one made \(1, 1\) of \(1, 64\)"),
    (lambda nb: nb.dense([2, 8, 10], np.random.default_rng(0)), TypeError, "this one stopped with ValueError"),
    (lambda nb: nb.MLP(64, [10]), TypeError, "this one "), (lambda nb: None, TypeError, "this one stopped"),
    (lambda nb: lambda x: x.value[:, :10], TypeError, "this one made a ndarray")])
def test_models_of_another_shape(nb, made, kind, said):
    with pytest.raises(kind, match=said):
        nb.draw_digit(made(nb))


def test_other_refusals_of_a_digit(nb, model):
    lost = nb.dense([64, 10], np.random.default_rng(0))
    lost.layers[0].bias.value = np.full(10, math.nan)
    with pytest.raises(ValueError, match="no finite number: train"):
        nb.draw_digit(lost)
    for images, said in ((np.zeros((2, 63)), r"got \(2, 63\)"), (np.full(64, 16.0), "from 0 .* to 1 .*; got 16")):
        with pytest.raises(ValueError, match=said):
            nb.draw_digit(model, images)
    with pytest.raises(ValueError, match="2 images but 3 labels"):
        nb.draw_digit(model, np.zeros((2, 64)), [1, 2, 3])


DRAWN = """
..###... ....#... ...##... ..####.. ...#.... ..####.. ...#.... ..####.. ...##... ...##...
.#...#.. ...##... ..#..#.. .....#.. ...#.... ..#..... ...#.... .....#.. ..#..#.. ..#..#..
.#...#.. ..#.#... ..#..#.. ....#... ..#..... ..#..... ..#..... .....#.. ..#..#.. ..#..#..
.#...#.. ....#... .....#.. ...##... ..#..#.. ..###... ..#..... ...####. ...##... ...###..
.#...#.. ....#... ....#... .....#.. .#...#.. ....##.. ..####.. ....#... ...##... .....#..
.#...#.. ....#... ...#.... .....#.. .######. .....#.. ..#...#. ....#... ..#..#.. .....#..
.#...#.. ....#... ..#..... ..#..#.. ....#... ..#..#.. ..#...#. ...#.... ..#..#.. .....#..
..###... ....#... ..####.. ..###... ....#... ..###... ...###.. ...#.... ...##... ...##..."""


def test_digits_drawn_with_the_soft_pen_are_read(nb, trained):
    """Gray beside a line, as real images have it, is what lets drawn digits be read."""
    drawn = ["".join(rows) for rows in zip(*(line.split() for line in DRAWN.split("\n")[1:]))]
    right = {}
    for soft in (True, False):
        images = [nb._painted(np.zeros(64), [k for k in range(64) if cells[k] == "#"], True, soft) for cells in drawn]
        right[soft] = sum(nb._read_digit(trained, image)[1] == digit for digit, image in enumerate(images))
    assert right[True] >= 9 and right[True] > right[False]
