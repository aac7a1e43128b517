"""What every neuron sees: the picture of a network, its GIF, the data sets, and the playground."""
import asyncio
import base64
import gc
import html
import io
import math
import os
import random
import re
from pathlib import Path

import numpy as np
import pytest
from cells import ROOT, load
from PIL import Image, ImageColor

SHAPES = [(2, [8, 8, 1], "tanh"), (2, [1], "relu"), (2, [1, 1, 1], "sigmoid"), (2, [16, 16, 16, 1], "relu"),
          (2, [3], "tanh"), (2, [5, 2], "relu"), (2, [4, 1], "linear"), (2, [2] * 6 + [1], "tanh")]


def net_of(nb, shape, seed=1):
    """Return a random network with biases, and random points with labels for it."""
    rng = random.Random(seed)
    model = nb.MLP(*shape, rng=rng)
    for p in model.parameters():
        p.value = rng.gauss(0, 1.5)
    classes = shape[1][-1]
    points = [[rng.gauss(0, 1), rng.gauss(0.5, 2)] for _ in range(24)]
    labels = [(k % classes) if classes > 1 else 1 - 2 * (k % 2) for k in range(24)]
    return model, points, labels


def by_nodes(nb, model, point):
    """Return the outputs of each layer at a point, as the engine's own Nodes compute them."""
    rows, found = [nb.Node(x) for x in point], [list(point)]
    for layer in model.layers:
        rows = layer(rows)
        found.append([node.value for node in rows])
    return found


def places(picture, rng):
    """Return some (row, column, the point of the plane there)."""
    (left, right), (low, high) = picture.ends
    spots = [(rng.randrange(picture.n), rng.randrange(picture.n)) for _ in range(12)]
    return [(r, q, (left + (right - left) * (q + 0.5) / picture.n, low + (high - low) * (r + 0.5) / picture.n))
            for r, q in spots]


def shapes_of(picture, kind):
    return [shape for shape in picture.shapes() if shape[0] == kind]


def crossed(picture):
    """Return {(column, neuron)} of the maps that are crossed out."""
    spots = {picture.place(c, i)[:2]: (c, i) for c, column in enumerate(picture.columns) for i in range(len(column))}
    return {spots[line[1][0]] for line in shapes_of(picture, "line") if len(line[1]) == 2 and line[1][0] in spots}


# ---- the content of the picture

def right_maps(nb, shape):
    model, points, labels = net_of(nb, shape)
    picture = nb.draw_network(model, points, labels)
    (left, right), (low, high) = picture.ends
    assert all(left < x < right and low < y < high for x, y in points)
    assert [m.shape for m in picture.maps] == [(k, picture.n, picture.n) for k in (2, *shape[1])]
    for r, q, point in places(picture, random.Random(2)):
        for have, want in zip(picture.maps, by_nodes(nb, model, point)):
            assert np.allclose(have[:, r, q], want, rtol=1e-9, atol=1e-12)


def right_strands(nb, shape, curves="value"):
    model, points, labels = net_of(nb, shape, 3)
    for k, p in enumerate(model.parameters()):
        p.grad = 0.01 * math.sin(k)
    picture = nb.draw_network(model, points, labels, curves)
    wanted = {(c, j, i): getattr(w, curves) for c, layer in enumerate(model.layers, 1)
              for j, neuron in enumerate(layer.neurons) for i, w in enumerate(neuron.weights)}
    assert {strand[:3]: strand[3] for strand in picture.strands} == wanted
    widths = {strand[:3]: strand[4] for strand in picture.strands}
    ranked = sorted(wanted, key=lambda key: abs(wanted[key]))
    assert all(widths[a] <= widths[b] for a, b in zip(ranked, ranked[1:]))
    assert len(wanted) < 9 or widths[ranked[-1]] > widths[ranked[0]]
    for _, _, _, number, width, color in picture.strands:
        red, _, blue = ImageColor.getrgb(color)
        assert (red > blue) == (number > 0) and width >= 0.5
    ends, joined = {}, 0
    for _, lines, color, width in shapes_of(picture, "strands"):
        for start, _, _, end in lines:
            ends[start, end] = width, color
            joined += 1
    assert joined == len(ends) == len(wanted)
    for c, j, i, _, width, color in picture.strands:  # each leads from its input to its neuron
        x, y, side = picture.place(c - 1, i)
        u, v, to = picture.place(c, j) if c < len(picture.columns) else picture.square
        assert ends[(x + side, y + side / 2), (u, v + to / 2)] == (width, color)


def color_of(nb, leads):
    """Return the color that the largest of the leads has in a map."""
    k = int(np.argmax(leads))
    band = sum(max(leads) >= edge for edge in nb._BANDS)
    return ImageColor.getrgb(nb._map_colors(len(leads))[k * len(nb._TINTS) + band])


def right_colors(nb, shape):
    """The picture, painted and as SVG, has the color of its value in the middle of each cell of a map."""
    model, points, labels = net_of(nb, shape, 5)
    picture = nb._NetworkPicture(model, points[:1], labels[:1])
    wide = (picture.ends[0][0] - 9, picture.ends[0][1] + 9)
    picture = nb._NetworkPicture(model, [*points, (wide[0], -7), (wide[1], 9)], [*labels, *labels[:2]])
    painted, svg = picture.image(2), picture.svg
    photos = [Image.open(io.BytesIO(base64.b64decode(code))).convert("RGB")
              for code in re.findall(r"data:image/png;base64,([\w+/=]+)", svg)]
    n, checked = picture.n, 0
    maps = [((c, i), picture.place(c, i), values) for c, column in enumerate(picture.columns)
            for i, values in enumerate(column)]
    assert len(photos) == len(maps) + 2
    dead = crossed(picture)
    for (spot, square, values), photo in zip(maps, photos):
        if not values.any():
            continue
        for r, q, point in places(picture, random.Random(6)):
            near = values[max(0, r - 2):r + 3, max(0, q - 2):q + 3]
            wanted = {color_of(nb, (-v, v)) for v in near.flat}
            if len(wanted) == 1:
                x, y = picture.at(square, point)
                u, v = ((q + 0.5) / n * photo.width, (1 - (r + 0.5) / n) * photo.height)
                assert photo.getpixel((int(u), int(v))) in wanted
                if spot not in dead and 3 < x - square[0] < square[2] - 3 and 3 < y - square[1] < square[2] - 3:
                    assert painted.getpixel((round(2 * x), round(2 * y))) in wanted
                checked += 1
    assert checked > 8 or len(maps) < 4


def right_lines(nb, shape):
    """Along the boundary the score is 0, along the margins −1 or +1; points stand where they belong."""
    model, points, labels = net_of(nb, shape, 7)
    picture = nb.draw_network(model, points, labels)
    left, top, side = picture.square
    for _, line, _, width in shapes_of(picture, "line"):
        if width not in (2.2, 0.8):
            continue
        for x, y in line[1:-1:3]:
            share = (x - left) / side, 1 - (y - top) / side
            point = [low + (high - low) * s for s, (low, high) in zip(share, picture.ends)]
            score = by_nodes(nb, model, point)[-1][0]
            around = abs(picture.maps[-1][0]).max() / 20
            assert min(abs(score - level) for level in ((0,) if width > 2 else (-1, 1))) < max(0.02, around)
    colors = {1: nb._CLASS_COLORS[1], -1: nb._CLASS_COLORS[0]}
    dots = {(round(x, 6), round(y, 6)): (color, marker) for _, spots, color, marker, _ in shapes_of(picture, "dots")
            for x, y in spots}
    assert len(dots) == len(points)
    for (x, y), label in zip(points, labels):
        (low, high), (bottom, up) = picture.ends
        at = left + side * (x - low) / (high - low), top + side * (up - y) / (up - bottom)
        assert dots[round(at[0], 6), round(at[1], 6)] == (colors[label], "os"[label == 1])


def right_best(nb, _):
    rng = random.Random(8)
    for _ in range(40):
        n, k = rng.randint(1, 12), rng.randint(1, 4)
        values = np.array([[rng.choice((0, 0.5, 1, rng.random())) for _ in range(k)] for _ in range(n)])
        labels = [rng.choice((-1, 1)) for _ in range(n)]
        shares = [max(sum((v >= edge) == (y * sign > 0) for v, y in zip(column, labels)) / n
                      for edge in [*column, math.inf] for sign in (-1, 1)) for column in values.T]
        share, neuron = nb._best_alone(values, labels)
        assert share == pytest.approx(max(shares)) == shares[neuron]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_maps_hold_what_the_neurons_return(nb, shape):
    right_maps(nb, shape)


@pytest.mark.parametrize("curves", ["value", "grad"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_curves_are_as_wide_as_the_weights_are_large_and_show_their_signs(nb, shape, curves):
    right_strands(nb, shape, curves)


@pytest.mark.parametrize("shape", SHAPES[:5], ids=str)
def test_colors_are_those_of_the_values_painted_and_as_svg(nb, shape):
    right_colors(nb, shape)


@pytest.mark.parametrize("shape", [s for s in SHAPES if s[1][-1] == 1], ids=str)
def test_boundary_margins_and_points_stand_where_they_belong(nb, shape):
    right_lines(nb, shape)


def test_the_best_neuron_alone_is_the_best(nb):
    right_best(nb, None)


@pytest.mark.parametrize("share, says", [(1, "100%"), (0, "0%"), (0.995, "99.5%"), (0.9999, "99.9%"), (0.5, "50%"),
                                         (0.004, "0.4%"), (199 / 200, "99.5%"), (0.99, "99%")])
def test_a_share_is_not_rounded_up_to_all(nb, share, says):
    assert nb._percent(share) == says


def test_classes_have_their_own_colors(nb):
    model, points, labels = net_of(nb, (2, [4, 3], "tanh"), 9)
    picture = nb.draw_network(model, points, labels)
    photo = shapes_of(picture, "photo")[-2][5].convert("RGB")
    n = picture.n
    for r, q, point in places(picture, random.Random(1)):
        near = picture.maps[-1][:, max(0, r - 1):r + 2, max(0, q - 1):q + 2].reshape(3, -1).T
        wanted = {color_of(nb, [s[k] - max(s[j] for j in range(3) if j != k) for k in range(3)]) for s in near}
        have = photo.getpixel((int((q + 0.5) / n * photo.width), int((1 - (r + 0.5) / n) * photo.height)))
        assert have in wanted or len(wanted) > 1
    assert {marker for _, _, _, marker, _ in shapes_of(picture, "dots")} == {"o", "s", "^"}
    assert picture.best == [] and "alone" not in picture.alt
    picture.image()


def test_dead_neurons_are_seen_as_dead(nb):
    model, points, labels = net_of(nb, (2, [3, 2, 1], "relu"))
    model.layers[0].neurons[1].bias.value = -1e6
    picture = nb.draw_network(model, points, labels)
    found = {(c, j) for c in (1, 2) for j in range(len(model.layers[c - 1].neurons))
             if not any(by_nodes(nb, model, point)[c][j] for point in points)}
    assert (1, 1) in found and crossed(picture) == found
    assert "dead: 2" in picture.alt
    for p in model.parameters():
        p.value = 0
    picture = nb.draw_network(model, points, labels)
    assert crossed(picture) == {(1, 0), (1, 1), (1, 2), (2, 0), (2, 1)} and "dead: 1, 2, 3." in picture.alt
    assert {strand[5] for strand in picture.strands} == {nb._tinted(nb._GRAY, 0.29)}
    assert nb.draw_network(nb.MLP(2, [2, 1], "tanh"), points, labels).dead == [[]]


def test_words_say_what_each_layer_has_learned(nb):
    model, points = nb.MLP(2, [2, 1], "tanh"), [(-2, 0), (-1, 1), (1, 0), (2, 1)]
    nb.set_values(model, [1, 0, 0, 0, 1, 0, 3, -0.5, 0])
    picture = nb.draw_network(model, points, [-1, -1, 1, 1])
    assert picture.alt == (
        "Layer 1, 2 tanh: straight edges, and the best neuron alone, 1, tells 100% of the points apart. All together: "
        "4 of 4 points right. The largest weight, 3, joins neuron 1 of layer 1 to neuron 1 of layer 2.")
    nb.set_values(model, [0, 0, 0, 0, 1, 0, -3, -0.5, 0])
    assert "alone, 1, tells 50% of the points apart; dead: 1. All" in nb.draw_network(model, points, [-1, -1, 1, 1]).alt
    assert "largest weight, −3, joins" in nb.draw_network(model, points, [-1, -1, 1, 1]).alt
    page = picture._repr_mimebundle_()
    assert f'alt="{picture.alt}"' in page["text/html"] and page["text/plain"] == picture.alt


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_live_maps_are_nearly_the_same(nb, shape):
    model, points, labels = net_of(nb, shape)
    for scale in (1, 30):
        for p in model.parameters():
            p.value *= scale
        live, exact = (nb._NetworkPicture(model, points, labels, n=32, live=live) for live in (True, False))
        for have, want in zip(live.maps, exact.maps):
            off = np.abs(have - want) / max(1, np.abs(want).max())
            assert off.mean() < 0.002 and (off > 0.05).mean() < 0.01


def test_any_activation_of_the_kit(nb, monkeypatch):
    monkeypatch.setitem(nb.ACTIVATIONS, "bump", lambda x: (math.exp(-x * x), (-2 * x * math.exp(-x * x),)))
    right_maps(nb, (2, [3, 1], "bump"))


@pytest.mark.parametrize("kind", [list, tuple, np.array, lambda rows: np.array(rows, np.float32)])
def test_any_kind_of_points(nb, kind):
    model, points, labels = net_of(nb, (2, [2, 1], "relu"))
    picture = nb.draw_network(model, kind(points), np.array(labels))
    assert len(picture.points) == 24 and picture.svg


def test_one_point_and_one_class(nb):
    model = nb.MLP(2, [2, 1], "tanh", rng=random.Random(1))
    picture = nb.draw_network(model, [(3, 3)], [1])
    assert [shape[2:4] for shape in shapes_of(picture, "dots")] == [(nb._CLASS_COLORS[1], "s")]
    picture.image()


def test_huge_weights_are_drawn_without_a_warning(nb, recwarn):
    model, points, labels = net_of(nb, (2, [3, 3, 1], "relu"))
    for p in model.parameters():
        p.value *= 1e200
    assert nb.draw_network(model, points, labels).image().size == (900, 500)
    assert len(recwarn) == 0


@pytest.mark.parametrize("change, error, says", [
    (lambda nb, m, p, y: (nb.Neuron(2), p, y), TypeError, r"takes an MLP; got Neuron"),
    (lambda nb, m, p, y: (nb.MLP(3, [2, 1]), p, y), ValueError, r"takes two inputs; got MLP\(3 → 2 → 1"),
    (lambda nb, m, p, y: (nb.MLP(2, [17, 1]), p, y), ValueError, "7 layers of up to 16 neurons fit"),
    (lambda nb, m, p, y: (nb.MLP(2, [1] * 8), p, y), ValueError, "7 layers of up to 16 neurons fit"),
    (lambda nb, m, p, y: (nb.MLP(2, [4]), p, y), ValueError, "up to 3 classes have a color"),
    (lambda nb, m, p, y: (m, [], []), ValueError, "no points came"),
    (lambda nb, m, p, y: (m, [(1, 2, 3)], [1]), ValueError, r"a point is two numbers; point 0 is \(1, 2, 3\)"),
    (lambda nb, m, p, y: (m, [(1, 2), (math.nan, 0)], [1, 1]), ValueError, r"point 1 is \(nan, 0\)"),
    (lambda nb, m, p, y: (m, p, y[:-1]), ValueError, "24 outputs but 23 labels"),
    (lambda nb, m, p, y: (m, p, [0] * 24), ValueError, r"labels are -1, 1 here; got 0"),
    (lambda nb, m, p, y: (m, p, y, "weight"), ValueError, '"value" or the "grad" of each weight; got \'weight\''),
    (lambda nb, m, p, y: (m, p, y, "grad"), ValueError, "layer 1, neuron 1, w1 has no gradient: call"),
])
def test_errors_say_what_came_and_what_is_wanted(nb, change, error, says):
    with pytest.raises(error, match=says):
        nb.draw_network(*change(nb, *net_of(nb, (2, [2, 1], "relu"))))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_weight_or_gradient_that_is_no_number(nb, value):
    model, points, labels = net_of(nb, (2, [2, 1], "relu"))
    for p in model.parameters():
        p.grad = 1.0
    model.layers[0].neurons[1].weights[0].grad = value
    with pytest.raises(ValueError, match="a gradient is no finite number"):
        nb.draw_network(model, points, labels, "grad")
    model.layers[0].neurons[1].weights[0].value = value
    with pytest.raises(ValueError, match=f"layer 1, neuron 2, w1 is {value}, so there is nothing to see"):
        nb.draw_network(model, points, labels)


def test_a_picture_can_be_saved(nb, tmp_path):
    nb.draw_network(*net_of(nb, (2, [9, 1], "relu")), path=tmp_path / "new" / "n.png")
    with Image.open(tmp_path / "new" / "n.png") as image:
        assert image.size == (1800, 1240)
    with pytest.raises(IsADirectoryError, match="network.png"):
        nb.draw_network(*net_of(nb, (2, [1], "relu")), path=tmp_path)


@pytest.mark.parametrize("shape", [*SHAPES, (2, [16, 16, 3], "relu")], ids=str)
def test_nothing_stands_outside_or_on_a_map(nb, shape):
    model, points, labels = net_of(nb, shape)
    p = nb._NetworkPicture(model, points, labels, losses={"loss, training": [(0, 1), (5, 0.1)], "held": [(0, 1)]})
    squares = [p.square, *[p.place(c, i) for c, column in enumerate(p.columns) for i in range(len(column))]]
    for x, y, side in squares:
        assert x >= 0 and y >= 30 and x + side <= 900 and y + side <= p.height
    boxes = []
    for _, x, y, anchor, size, bold, _, text in shapes_of(p, "text"):
        width = nb._text_width(text, size, bold)
        left = x - width * {"start": 0, "middle": 0.5, "end": 1}[anchor]
        boxes.append((left, y - size * 0.75, left + width, y + 2, text))
        assert left >= 0 and left + width <= 900 and y + 2 <= p.height and y - size >= 0, text
        for a, b, side in squares:
            assert left + width < a or left > a + side or y < b or y - size * 0.75 > b + side, text
    for k, (x, y, u, v, text) in enumerate(boxes):
        for a, b, c, d, other in boxes[:k]:
            assert u <= a or c <= x or v <= b or d <= y, (text, other)
    for k, (x, y, side) in enumerate(squares):
        assert all(x + side < a or a + more < x or y + side < b or b + more < y for a, b, more in squares[:k])


FAULTS = {
    "weights belong to the other input": ("[_values_of(neuron.weights) for", "[_values_of(neuron.weights[::-1]) for", right_maps),
    "the bias is forgotten": ("sums = rows @ weights.T + _values_of([n.bias for n in layer.neurons])",
                              "sums = rows @ weights.T + [0 for n in layer.neurons]", right_maps),
    "the activation is forgotten": ("[rule(v)[0] for v in some", "[v for v in some", right_maps),
    "the plane lies on its side": ("np.meshgrid(*axes)", "np.meshgrid(*axes[::-1])", right_maps),
    "cells are sampled at their corner": ("(np.arange(n) + 0.5) / n", "np.arange(n) / n", right_maps),
    "signs are swapped": ("_CLASS_COLORS[number > 0]", "_CLASS_COLORS[number < 0]", right_strands),
    "the sign of the sum decides": ("14 * slim * abs(number)", "14 * slim * max(0, number)", right_strands),
    "gradients are the values": ("getattr(weight, self.curves)", "weight.value",
                                 lambda nb, shape: right_strands(nb, shape, "grad")),
    "curves end at the neuron above": ("x, y, size = self.place(c, j)", "x, y, size = self.place(c, 0)", right_strands),
    "a map is upside down": ("fromarray(lead[::-1]", "fromarray(lead[::1]", right_colors),
    "below 0 is orange": ("[-values, values]", "[values, -values]", right_colors),
    "the bands are another scale": ("100 * most.clip", "50 * most.clip", right_colors),
    "the boundary is at 1": ("levels = [(lead, 0, 2.2)", "levels = [(lead, 1, 2.2)", right_lines),
    "lines are upside down": ("top + side * (1 - v)) for u, v in line]", "top + side * v) for u, v in line]", right_lines),
    "points are upside down": ("y + side * (1 - shares[1])", "y + side * shares[1]", right_lines),
    "a threshold between equal values": ("above[:-1][ranked[1:] == ranked[:-1]] = 0", "pass", right_best),
    "one side only": ("np.maximum(np.abs(above).max(0)", "np.maximum(above.max(0)", right_best),
}


@pytest.mark.faults
@pytest.mark.parametrize("fault", FAULTS)
def test_a_deliberate_fault_is_caught(fault):
    old, new, check = FAULTS[fault]
    broken = load(f"broken_network_{[*FAULTS].index(fault)}", replace={"room-show": (old, new)}, until="learn-losses")
    with pytest.raises((AssertionError, KeyError)):
        for shape in ((2, [8, 8, 1], "tanh"), (2, [3, 1], "relu")):
            check(broken, shape)


# ---- the GIF

@pytest.fixture(scope="module")
def film(nb, tmp_path_factory):
    """A run, its values after each step, and what save_movie wrote."""
    points, labels = nb.data_set("moons", n=40)
    net = nb.MLP(2, [4, 3, 1], "tanh", rng=random.Random(1))
    run = nb.Training(net, points, labels, steps=60, compiled=True, optimizer=nb.SGD(net.parameters(), 0.1, 0.9))
    movie = {0: nb._values_of(net.parameters())}
    run.train(live=False, watch=lambda t: movie.update({len(t.history): t.finished[0]}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nb, "display", lambda *things, **how: type("Handle", (), {"update": lambda *a, **k: None})())
        saved = nb.save_movie(run, movie, tmp_path_factory.mktemp("film") / "n.gif")
    return run, movie, saved


def frames_of(path):
    with Image.open(path) as gif:
        for k in range(gif.n_frames):
            gif.seek(k)
            yield gif.convert("RGB"), gif.info["duration"], gif.info["loop"]


def test_the_gif_shows_the_network_through_its_training(nb, film):
    run, movie, saved = film
    frames = list(frames_of(saved.path))
    assert len(frames) == saved.frames == 27 and {f.size for f, _, _ in frames} == {(900, 500)} == {saved.size}
    assert [time for _, time, _ in frames] == [250] * 26 + [3000] and {loop for _, _, loop in frames} == {0}
    assert nb._values_of(run.parameters) == movie[60], "the network is left as it was"
    assert [path.name for path in saved.path.parent.iterdir()] == ["n.gif"], "no part is left"
    model = nb.MLP(2, [4, 3, 1], "tanh")
    last = (nb.hinge_loss([run.model(p) for p in run.points], run.labels) + run.penalty()).value
    for (image, _, _), step in ((frames[0], 0), (frames[1], 1), (frames[-1], 60)):
        nb.set_values(model, movie[step])
        losses = [*enumerate([*[loss for loss, _ in run.history], last][:step + 1])]
        picture = nb._NetworkPicture(model, run.points, run.labels, n=40, span=60, losses={"loss": losses},
                                     words=f"step {step}: loss {losses[-1][1]:.3f}, ")
        off = np.abs(np.asarray(picture.image(), int) - np.asarray(image, int)).max(2)
        assert off.mean() < 1 and (off > 60).mean() < 0.002, step


def test_no_frame_jumps_and_all_have_one_scale(nb, film):
    frames = [np.asarray(frame) for frame, _, _ in frames_of(film[2].path)]
    left, top, side = nb._NetworkPicture(film[0].model, film[0].points, film[0].labels, losses={"loss": []}).square
    key = [f[round(top + side + 33):round(top + side + 40), left + 2:left + 88] for f in frames]
    assert all((k == key[0]).all() for k in key) and len({tuple(c) for c in key[0][3]}) >= 14
    exact = {ImageColor.getrgb(color) for color in nb._map_colors(2)}
    assert {tuple(c) for c in key[0][3].tolist()} <= exact
    frame = [(f[:, :45] == frames[0][:, :45]).all() for f in frames]
    assert all(frame), "the inputs stand still"


def test_a_long_film_has_no_more_frames(nb, film, tmp_path):
    run, movie, _ = film
    long = {k: (movie[k % 60], 0.5) for k in range(900)}
    told = []
    saved = nb._network_gif(run, long, tmp_path / "long.gif", lambda *done: told.append(done))
    assert saved.frames == 28 and told[-1] == (28, 28)
    assert nb._network_gif(run, {0: long[0]}, tmp_path / "one.gif").frames == len(list(frames_of(tmp_path / "one.gif")))


def test_a_large_gif_shows_itself_from_its_file(nb, film):
    page = film[2]._repr_mimebundle_()["text/html"]
    assert len(page) < 80_000 and page.count("<img ") == 1
    assert f'href="{film[2].path.as_posix()}" download' in page
    assert "A network through its training. At the end: Layer 1, 4 tanh" in page


def test_the_gif_of_the_notebook():
    path = ROOT / "assets" / "network.gif"
    frames = list(frames_of(path))
    assert path.stat().st_size < 500_000 and 20 <= len(frames) <= 40
    assert "(assets/network.gif)" in (ROOT / "README.md").read_text("utf-8")


# ---- data sets

@pytest.mark.parametrize("kind", ["moons", "circles", "xor", "spirals", "blobs"])
@pytest.mark.parametrize("n", [4, 11, 100, 300])
def test_data_sets(nb, kind, n):
    points, labels = nb.data_set(kind, n, noise=0, seed=3)
    assert len(points) == len(labels) == n and set(labels) == {-1, 1} and abs(sum(labels)) <= 1
    assert {type(x) for point in points for x in point} == {float} and {type(y) for y in labels} == {int}
    assert (points, labels) == nb.data_set(kind, n, noise=0, seed=3) != nb.data_set(kind, n, noise=0, seed=4)
    assert max(abs(x) for point in points for x in point) < 2.5
    for (x, y), label in zip(points, labels):
        if kind == "circles":
            assert math.hypot(x, y) == pytest.approx(0.5 if label > 0 else 1.3)
        if kind == "xor":
            assert x * y * label > 0 and 0.1 <= min(abs(x), abs(y))
        if kind == "spirals":
            along = (math.hypot(x, y) - 0.1) / 1.3
            turn = 3 * math.pi * along + math.pi * (label > 0)
            assert (x, y) == pytest.approx(tuple((0.1 + 1.3 * along) * f(turn) for f in (math.cos, math.sin)))
    if n == 300:
        noisy = np.array(nb.data_set(kind, n, noise=0.2, seed=3)[0]) - points
        assert noisy.std() == pytest.approx(0.2, rel=0.1) and abs(noisy.mean()) < 0.03


@pytest.mark.parametrize("given", [("moon",), ("moons", 3), ("moons", 9, -0.1), ("moons", 9, math.nan)])
def test_data_sets_that_are_none(nb, given):
    with pytest.raises(ValueError, match="got"):
        nb.data_set(*given)


# ---- the playground

@pytest.fixture
def play(nb, tmp_path):
    made = nb._Playground(1, tmp_path / "p.gif")
    yield made
    made.pause()


def caption(play):
    return int(re.match(r"step (\d+): loss", play.shown.words)[1])


def printed(play):
    play.print_code()
    return html.unescape(re.search("<pre[^>]*>(.*)</pre>", play.said.value, re.S)[1])


def test_it_starts_before_the_first_step(nb, play):
    assert caption(play) == 0 and play.run.history == [] and repr(play.net).startswith("MLP(2 → 8 → 8 → 1, tanh")
    assert play.alt.value == f'<i role="img" aria-label="{play.shown.alt}"></i>'
    assert play.layers[1].value.startswith('<img alt="" ')
    assert (play.run.points, play.run.labels) == nb.data_set("moons", 100, 0.1, 1)
    assert play.held == nb.data_set("moons", 100, 0.1, 2)
    assert [*play.shown.losses] == ["training loss", f"held out, {nb._percent(play.film[0][4])} right"]


def test_the_newer_picture_lies_above_the_older(play):
    for turn in (lambda: play.learn(1), lambda: play.learn(1), play.start, lambda: play.learn(1)):
        was = play.layers[1].value
        turn()
        older, newer = (widget.value for widget in play.layers)
        assert older == was and html.escape(play.shown.words) in newer.replace("%25", "%")
        above, below = (int(re.search(r"z-index:(\d+)", value)[1]) for value in (newer, older))
        assert above > below


def test_losses_are_those_of_the_engine(nb, play):
    play.learn(7)
    _, loss, right, held, held_right = play.film[7]
    for points, labels, have, share in ((play.run.points, play.run.labels, loss, right),
                                        (*play.held, held, held_right)):
        want = nb.hinge_loss([play.net(p) for p in points], labels) + nb.penalty(play.net.parameters(), 0.0001)
        assert have == pytest.approx(want.value, rel=1e-12)
        assert share == nb.accuracy(play.net.scores(points), labels)
    assert play.shown.words == f"step 7: loss {loss:.3f}, {round(100 * right)} of 100 points right"


def test_gradients_are_those_that_the_next_step_goes_against(nb, play):
    play.learn(3)
    play.curves.value = "grad"
    shown = {strand[:3]: strand[3] for strand in play.shown.strands}
    loss = nb.hinge_loss([play.net(p) for p in play.run.points], play.run.labels) + play.run.penalty()
    loss.backward()
    for (c, j, i), number in shown.items():
        assert number == pytest.approx(play.net.layers[c - 1].neurons[j].weights[i].grad, abs=1e-12)


@pytest.mark.parametrize("change", [
    lambda p: setattr(p.kind, "value", "spirals"), lambda p: setattr(p.noise, "value", 0.3),
    lambda p: setattr(p.count, "value", 40), lambda p: setattr(p.depth, "value", 3),
    lambda p: setattr(p.widths[1], "value", 3), lambda p: setattr(p.bend, "value", "relu"),
    lambda p: setattr(p.seed, "value", 5), lambda p: p.start()])
def test_new_data_or_another_network_starts_again(play, change):
    play.learn(5)
    play.look.value, play.spot.value = (2, 7), 99
    change(play)
    assert caption(play) == 0 == len(play.run.history) and list(play.film) == [0]
    assert len(play.run.points) == play.count.value
    sizes = [w.value for w in play.widths[:play.depth.value]] + [1]
    assert [len(layer.neurons) for layer in play.net.layers] == sizes
    assert [w.layout.display for w in play.widths] == [None if k < play.depth.value else "none" for k in range(4)]
    assert len(play.look.options) == 1 + sum(sizes) and play.spot.max == play.count.value - 1
    clickable = re.findall(r'data-(look|spot)="(\d+)"', play.spots.value)
    assert len(clickable) == sum(sizes) + play.count.value
    assert play.learn(1)


def test_another_optimizer_rate_or_penalty_goes_on(nb, play):
    play.learn(5)
    play.rate.value, play.strength.value = 0.3, 0.01
    assert play.run.optimizer.rate == 0.3 and len(play.run.history) == 5 and any(play.run.optimizer.state)
    play.learn(1)
    before = play.run.parameters[0].value, play.run.penalty().value
    assert before[1] > 0.01 and play.film[6][1] > before[1]
    play.way.value = "Adam"
    assert type(play.run.optimizer) is nb.Adam and play.run.optimizer.rate == 0.3 and caption(play) == 6
    play.way.value = "plain"
    assert play.run.optimizer.momentum == 0 and play.learn(2) and caption(play) == 8


@pytest.mark.parametrize("seed", range(4))
def test_printed_code_does_the_same(nb, tmp_path, seed):
    play, rng = nb._Playground(seed, tmp_path / "p.gif"), random.Random(seed)
    play.kind.value, play.depth.value = rng.choice(nb._DATA_SETS), rng.randrange(3)
    for _ in range(6):
        play.learn(rng.randint(1, 4))
        control = rng.choice((play.way, play.rate, play.strength))
        control.value = rng.choice([v for _, v in control._options_full][:4])
    scope = dict(vars(nb))
    exec(printed(play).replace("run.train()", "run.train(live=False)"), scope)
    assert nb._values_of(scope["net"].parameters()) == nb._values_of(play.net.parameters())
    assert scope["run"].history == play.run.history


def test_a_rate_that_is_too_high_says_so_and_stops(play):
    play.bend.value, play.rate.value = "linear", 3
    for _ in range(200):
        if not play.learn(20):
            break
    assert "Stopped: " in play.said.value and "Start again" in play.said.value
    play.rate.value = 0.1
    play.start()
    assert "Stopped" not in play.said.value and play.learn(1)


def test_a_neuron_at_a_point_is_told_in_numbers(nb, play):
    play.rate.value = 0.01
    play.learn(1)
    kept = [p.grad for p in play.run.parameters]
    k = next(k for k, (point, y) in enumerate(zip(play.run.points, play.run.labels))
             if y * play.net.scores([point])[0] < 0.9)
    play.look.value, play.spot.value = (2, 4), k
    said = html.unescape(re.sub("<[^>]+>", " ", play.told.value)).replace("−", "-")
    assert [p.grad for p in play.run.parameters] == kept, "the gradient of the batch is left as it was"
    inputs, neuron = by_nodes(nb, play.net, play.run.points[k])[1], play.net.layers[1].neurons[4]
    total = sum(w.value * x for w, x in zip(neuron.weights, inputs)) + neuron.bias.value
    assert f"Layer 2, neuron 5, at point {k}, ({nb._num(play.run.points[k][0], 3)}" in said
    assert said.count("×") == 8 + 1 and f"= {nb._num(total, 3)} " in said
    assert f"tanh({nb._num(total, 3)}) = {nb._num(math.tanh(total), 3)}" in said
    point, label = play.run.points[k], play.run.labels[k]

    def loss(push):
        rows = [math.tanh(sum(w.value * x for w, x in zip(n.weights, inputs)) + n.bias.value + push * (n is neuron))
                for n in play.net.layers[1].neurons]
        last = play.net.layers[2].neurons[0]
        return max(0, 1 - label * (sum(w.value * h for w, h in zip(last.weights, rows)) + last.bias.value))
    slope = (loss(1e-6) - loss(-1e-6)) / 2e-6
    told = float(re.search(r"= (-?[\d.e-]+) on its sum", said)[1])
    assert told == pytest.approx(slope, rel=0.01) and slope, point
    assert ("smaller" if slope > 0 else "larger") in said
    assert play.shown.look == (2, 4) and play.shown.spot == k
    play.look.value = None
    assert "Click a neuron" in play.told.value and play.shown.spot is None


@pytest.mark.parametrize("bend", ["relu", "linear", "sigmoid"])
def test_every_neuron_can_be_told(play, bend):
    play.bend.value = bend
    for _, where in play.look.options[1:]:
        play.look.value = where
        assert "gradient of this point" in play.told.value


def test_the_gif_of_a_run(nb, play, tmp_path):
    for _ in range(3):
        play.learn(2)
    play.save()
    assert "4 frames" in play.said.value and len(list(frames_of(tmp_path / "p.gif"))) == 4
    code = re.search(r'href="data:image/gif;base64,([\w+/=]+)"', play.said.value)[1]
    assert base64.b64decode(code) == (tmp_path / "p.gif").read_bytes()
    play.every = 1000  # not kept any more, but the last is there
    play.learn(2)
    play.save()
    assert "5 frames" in play.said.value
    play.path = tmp_path
    play.save()
    assert "Not saved" in play.said.value


def test_it_plays_while_the_kernel_is_free_and_follows_its_controls(nb, play):
    async def session():
        play.play.click()
        await asyncio.sleep(0.5)
        assert play.play.description == "⏸ Pause" and caption(play) > 0
        play.kind.value = "circles"
        assert caption(play) == 0
        await asyncio.sleep(0.5)
        assert caption(play) > 0 and play.run.points == nb.data_set("circles", 100, 0.1, 1)[0]
        play.rate.value = 0.03
        play.play.click()
        done = caption(play)
        await asyncio.sleep(0.3)
        assert caption(play) == done and play.play.description == "▶ Play" and play.task is None
        play.one_step()
        assert caption(play) == done + 1
        play.play.click()
        other = nb._Playground(2, play.path)  # the cell is run again
        assert play.task is None
        other.toggle()
        play.toggle()
        assert other.task is None and play.task is nb._Playground.playing.task
        other.one_step()
        assert nb._Playground.playing is play
        await asyncio.sleep(0.2)
        play.one_step()
        assert play.task is None
    asyncio.run(session())


def test_it_pauses_by_itself(nb, play, monkeypatch):
    monkeypatch.setattr(nb, "_MOST_PICTURES", 2)

    async def session():
        play.toggle()
        await play.task
    asyncio.run(session())
    assert caption(play) == 2 * play.pace.value and play.task is None and play.play.description == "▶ Play"


def resident():
    """Return the megabytes that this process holds, after a collection."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="asks Linux")
def test_memory_is_flat_over_500_steps(nb, play, monkeypatch):
    monkeypatch.setattr(nb, "_MOST_FILMED", 20)
    for _ in range(30):
        play.learn(5)
    before, objects = resident(), len(gc.get_objects())
    for _ in range(100):
        play.learn(5)
    assert resident() - before < 12 and len(gc.get_objects()) - objects < 1500
    assert len(play.film) <= 20 and len(play.run.history) == 650


def test_without_a_kernel_a_picture_stands_there(nb, quiet):
    nb.playground()._ipython_display_()
    page, widget = quiet
    assert "Run this cell to play with this network." in page["text/html"] and page["text/html"].count("<img ") == 1
    assert "mg-playground" in widget._dom_classes


def test_every_control_has_a_name(play):
    controls = (play.kind, play.noise, play.count, play.seed, play.depth, *play.widths, play.bend, play.way, play.rate,
                play.strength, play.pace, play.curves, play.look, play.spot, play.play)
    names = [control.description for control in controls]
    assert all(names) and len(set(names)) == len(names)
