"""How the GIF of a backward pass compares with the way the original mGradPlus made it.

    python tests/benchmark_drawing.py

The original's way: for every frame one `dot -Tpng` of the whole graph (a record per value, a
circle per operation), then imageio's mimsave on the full pictures. Ours: one layout, one
painting per distinct element, one palette, only differences stored. Same graphs, same number
of frames (smooth=False), same program for the layout. Then ours as it comes, with five pictures
in between each two, in which the numbers move. The table gives all of it and the ratios. Then one turn
of the playground, two steps and a picture, as a share of the tenth of a second that it has. It exits with 1
where a figure promised for the kit is not reached.
"""
import importlib
import os
import random
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import graphviz
import imageio.v2
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
MEMORY = """
import resource, sys
sys.path.insert(0, {tests!r})
from benchmark_drawing import load, network
nb = load()
root = network(nb, (2, 4, 3, 1))
scene = nb._Scene(root)
frames, _ = nb._film(scene, root._pass(1), forward=True)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
data, size, seconds, count = nb._gif_bytes(nb._Stage(scene, frames), frames, 1.2)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(count, after // 1024, before // 1024)
"""


def load():
    """Return the notebook's definitions as a module."""
    return importlib.import_module("cells").load()


def neuron(nb):
    """Return the neuron of the README: 10 nodes."""
    x1, x2, w1, w2, b = (nb.Node(v, role, name) for v, role, name in (
        (0.5, "input", "x1"), (-0.5, "input", "x2"), (2, "weight", "w1"),
        (3, "weight", "w2"), (4, "bias", "b")))
    return (x1 * w1 + x2 * w2 + b).relu()


def network(nb, sizes):
    """Return the squared error of an MLP made of single products and sums."""
    draw = random.Random(1)
    weight = lambda role: nb.Node(round(draw.uniform(-1, 1), 3), role)
    layer = [weight("input") for _ in range(sizes[0])]
    for depth, wide in enumerate(sizes[1:], 1):
        out = []
        for _ in range(wide):
            total = weight("bias")
            for x in layer:
                total = total + x * weight("weight")
            out.append(total.tanh() if depth < len(sizes) - 1 else total)
        layer = out
    difference = layer[0] - nb.Node(1.0, "constant")
    return difference * difference


def original_source(scene, frame):
    """Return the graph as the original drew it: a record per value, a circle per operation."""
    graph = graphviz.Digraph(format="png", graph_attr={"rankdir": "LR"})
    for i, (node,) in enumerate(scene.boxes):
        state, _, grad = frame["box", i]
        grad = float(grad.split("= ")[-1].replace("−", "-"))
        graph.node(f"n{i}", label=f"{{ {node.name or node.role} | value {node.value:.4f} "
                                  f"| grad {grad:.4f} }}", shape="record", style="filled",
                   fillcolor={"sending": "red", "done": "lightblue"}.get(state, "white"))
        if node.operands:
            graph.node(f"o{i}", label=scene.words.op(node))
            graph.edge(f"o{i}", f"n{i}")
    for a, b, _ in scene.arrows:
        graph.edge(f"n{a}", f"o{b}")
    return graph.source


def original_way(nb, root, frames, path):
    """Write the GIF as the original did; return the width of its pictures."""
    scene = nb._Scene(root)
    pictures = []
    for frame in frames:
        png = subprocess.run([nb._dot_programs()[0], "-Tpng"], check=True, capture_output=True,
                             input=original_source(scene, frame).encode()).stdout
        pictures.append(imageio.v2.imread(png))
    size = np.max([picture.shape for picture in pictures], 0)  # else mimsave stops
    pictures = [np.pad(p, [(0, n) for n in size - p.shape], constant_values=255)
                for p in pictures]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        imageio.v2.mimsave(path, pictures, duration=800)
    return pictures[0].shape[1]


def best(work, times):
    """Return (shortest time of several, last result)."""
    spent = []
    for _ in range(times):
        begin = time.perf_counter()
        result = work()
        spent.append(time.perf_counter() - begin)
    return min(spent), result


def compare(nb, name, root, times, folder):
    """Return one row: times and sizes of both ways, and their ratios."""
    frames, _ = nb._film(nb._Scene(root), root._pass(1))
    ours, theirs, moving = folder / "ours.gif", folder / "theirs.gif", folder / "moving.gif"
    fast, _ = best(lambda: root.backward(gif=ours, smooth=False), 3 * times)
    smooth, saved = best(lambda: root.backward(gif=moving), 3 * times)
    slow, wide = best(lambda: original_way(nb, root, frames, theirs), times)
    small, large = os.path.getsize(ours), os.path.getsize(theirs)
    return name, len(nb.graph_of(root)), len(frames), slow, fast, slow / fast, large, small, \
        large / small, wide, smooth, saved.frames, len(saved.data)


def main():
    """Print the table; return whether every promised figure is reached."""
    nb = load()
    nb._Progress.draw = lambda bar, end=False: None
    goals = {"neuron": (4, 1.5, 150), "MLP 2-4-1": (30, 8, 600), "MLP 2-5-5-1": (30, 10, 1000)}
    roots = [("neuron", neuron(nb), 7), ("MLP 2-4-1", network(nb, (2, 4, 1)), 1),
             ("MLP 2-5-5-1", network(nb, (2, 5, 5, 1)), 1)]
    good = True
    if sys.platform != "win32":
        said = subprocess.run([sys.executable, "-c", MEMORY.format(
            tests=str(Path(__file__).parent))], capture_output=True, text=True, check=True)
        frames, peak, before = map(int, said.stdout.split()[-3:])
        print(f"memory: {peak} MB at most for {frames} frames ({before} MB before painting)")
        good &= peak < 600
    print("| graph | nodes | frames | original | ours | faster | original | ours | smaller "
          "| moving | frames | times ours | size |")
    print("|" + 13 * " --- |")
    with tempfile.TemporaryDirectory() as folder:
        for name, root, times in roots[:2] if "--quick" in sys.argv else roots:
            row = compare(nb, name, root, times, Path(folder))
            _, nodes, frames, slow, fast, faster, large, small, smaller, wide, smooth, count, size = row
            print(f"| {name} | {nodes} | {frames} | {slow:.2f} s, {wide} px wide | {fast:.2f} s "
                  f"| {faster:.1f}x | {large / 1000:.0f} kB | {small / 1000:.0f} kB "
                  f"| {smaller:.1f}x | {smooth:.2f} s | {count} | {smooth / fast:.1f} "
                  f"| {size / 1000:.0f} kB |", flush=True)
            good &= faster >= goals[name][0] and smaller >= goals[name][1] \
                and size < 1000 * goals[name][2] and smooth < 4 * fast
    play = nb._Playground(1, "never.gif")
    turn, _ = best(lambda: play.learn(2), 40)
    print(f"playground, 2-8-8-1, 100 points: two steps and a picture take {turn / 0.1:.2f} of a tenth of a second")
    return good and turn < 0.08


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
