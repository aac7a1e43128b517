"""The layout of a graph: nothing that is read lies on anything else, however it is laid out."""
import random

import numpy as np
import pytest

GRAPHS = 50  # random ones, for each of the two layouts and both directions
RULES = ("add", "sub", "mul", "div", "tanh", "relu", "sin", "sum", "weighted")


@pytest.fixture(params=["graphviz", "own"], autouse=True)
def layout(request, nb, monkeypatch):
    """Both ways to order the boxes: Graphviz, and the kit's own where there is none."""
    if request.param == "own":
        monkeypatch.setattr(nb, "_dot_programs", list)
    return request.param


def random_graph(nb, seed):
    """Return the root of a random graph of up to thirty boxes, with numbers of all lengths."""
    draw = random.Random(seed)
    nodes = [nb.Node(draw.choice([draw.uniform(-2, 2), draw.randint(-9, 9), draw.gauss(0, 1e-3), 12345.678]),
                     draw.choice(["input", "weight", "bias"]), draw.choice(["", f"x{k}", "a long name"]))
             for k in range(draw.randint(1, 5))]
    for _ in range(draw.randint(1, 20)):
        a, b = draw.choice(nodes[-6:]), draw.choice(nodes)
        rule = draw.choice(RULES)
        nodes.append({"add": lambda: a + b, "sub": lambda: a - b, "mul": lambda: a * b,
                      "div": lambda: a / (b * b + 1), "tanh": a.tanh, "relu": a.relu,
                      "sin": a.sin, "sum": lambda: nb.total([a, b, *nodes[:3]]),
                      "weighted": lambda: nb.weighted_sum(nodes[:2], nodes[-2:], a) if len(nodes) > 1 else -a,
                      }[rule]())
    root = nodes[-1]
    return root if root.operands else root * 2


def boxes_of(shapes, nb):
    """Return the texts among shapes as rectangles (left, top, right, bottom)."""
    found = []
    for kind, *rest in shapes:
        if kind == "text":
            x, y, anchor, size, bold, _, text = rest
            wide = nb._text_width(text, size, bold)
            left = x - wide * {"start": 0, "middle": 0.5, "end": 1}[anchor]
            found.append((left, y - 0.75 * size, left + wide, y + 0.2 * size))
    return found


def apart(r, s):
    """Return whether two rectangles do not overlap."""
    return r[2] <= s[0] + 0.5 or s[2] <= r[0] + 0.5 or r[3] <= s[1] + 0.5 or s[3] <= r[1] + 0.5


def hits(rectangle, lines):
    """Return the keys of the lines {key: points} that run into a rectangle."""
    left, top, right, bottom = rectangle
    x, y = np.concatenate(list(lines.values())).T
    inside = (x > left + 0.5) & (x < right - 0.5) & (y > top + 0.5) & (y < bottom - 0.5)
    owners = np.repeat(np.arange(len(lines)), [len(points) for points in lines.values()])
    keys = list(lines)
    return [keys[n] for n in sorted(set(owners[inside]))]


def dense(points):
    """Return many points along a chain of Bézier curves."""
    p, u = np.array(points), np.linspace(0, 1, 60)[:, None]
    return np.concatenate([(1 - u)**3 * p[i] + 3 * u * (1 - u)**2 * p[i + 1] + 3 * u * u * (1 - u) * p[i + 2]
                           + u**3 * p[i + 3] for i in range(0, len(p) - 3, 3)])


def faults(nb, root, rankdir="LR"):
    """Return what overlaps in the first and last frame of a pass, and what sticks out."""
    scene = nb._Scene(root, rankdir)
    frames, _ = nb._film(scene, root._pass(1), forward=True)
    stage, said = nb._Stage(scene, frames), []
    boxes = {i: stage.box(i) for i in range(len(scene.boxes))}
    bodies = {("box", i): (x, y, x + w, y + h) for i, (x, y, w, h) in boxes.items()}
    for (i, r), (j, s) in ((p, q) for n, p in enumerate(bodies.items()) for q in list(bodies.items())[:n]):
        said += [f"{i} on {j}"] * (not apart(r, s))
    for frame in frames[::max(1, len(frames) - 1)] + frames[len(frames) // 2:][:1]:
        labels, lines, heads = {}, {}, {}
        for key, says in frame.items():
            if key[0] == "arrow":
                shapes = nb._shapes(stage, key, says)
                labels |= {(key, n): box for n, box in enumerate(boxes_of(shapes, nb))}
                lines[key] = dense(next(s[1] for s in shapes if s[0] == "curve"))
                heads[key] = next(s[1] for s in shapes if s[0] == "poly")
            if key[0] == "box":
                left, _, right, _ = bodies[key]
                for x, _, u, _ in boxes_of(nb._shapes(stage, key, says), nb):
                    said += [f"{key} {says}: text out of its box"] * (x < left + 1 or u > right - 1)
                number = [s[-1] for s in nb._shapes(stage, key, says) if s[0] == "text"][2::2]
                said += [f"{key} {says}: a number is cut" for full, shown in zip(says[1:], number)
                         if shown not in (full, full.split(" = ")[-1])]
                rows = boxes_of(nb._shapes(stage, key, says), nb)[1:]
                said += [f"{key} {says}: a number on its word"] * (not (apart(*rows[:2]) and apart(*rows[2:4])))
        for (key, n), label in labels.items():
            said += [f"label {key} on box {box}" for box, body in bodies.items() if not apart(label, body)]
            said += [f"label {key} on label {other}" for (other, m), place in labels.items()
                     if (key, n) > (other, m) and not apart(label, place)]
            said += [f"label {key} on the line of {other}" for other in hits(label, lines)]
            said += [f"label {key} on the head of {other}" for other in hits(label, heads)]
            said += [f"label {key} out of the picture"] * (label[0] < 0 or label[2] > stage.width)
        for box, body in bodies.items() if lines else ():
            said += [f"the line of {key} through {box}" for key in hits(body, lines)
                     if box[1] not in (key[1], key[2])]
    return said


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
@pytest.mark.parametrize("seeds", [range(3), pytest.param(range(3, GRAPHS), marks=pytest.mark.slow)],
                         ids=["few", "many"])
def test_nothing_lies_on_anything_in_random_graphs(nb, seeds, rankdir):
    said = {seed: found for seed in seeds if (found := faults(nb, random_graph(nb, seed), rankdir))}
    assert said == {}


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [[1], [2, 1], [4, 1], [3, 3, 1], [8, 8, 1]], ids=str)
@pytest.mark.parametrize("inputs", [1, 2, 3])
@pytest.mark.parametrize("points", [0, 1, 2])
def test_nothing_lies_on_anything_in_networks(nb, sizes, inputs, points):
    model = nb.MLP(inputs, sizes, "tanh", rng=random.Random(1))
    outputs = [model([0.3 * k + n for k in range(inputs)]) for n in range(max(1, points))]
    root = nb.hinge_loss(outputs, [1, -1][:points]) if points else outputs[0]
    assert faults(nb, root) == []
