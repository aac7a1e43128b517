"""How fast is the engine? Prints ratios, all measured in this one run.

    python tests/benchmark.py [--steps 20] [--rounds 5]

First, one training step (forward, loss, backward, update) of the 2-16-16-1 network on 100
moons, from the same weights in every engine: mGradPlus, the program that its chapter 5
writes out from the recorded graph, micrograd (from PyPI), back-propagation written out by
hand on lists of floats, and PyTorch's vectorized step (float64, one thread) where PyTorch
is installed. Then one step of a GPT on scalars (4,192 parameters, one
layer, four heads, a word of seven letters: about 60,000 nodes) on `Node` and on a plain
engine of forty lines, `Value`, in the manner of Karpathy's microgpt (2026). Times are CPU
seconds, engines take turns, the best of all rounds counts.
"""
import argparse
import gc
import math
import random
import sys
import time
import timeit
import tracemalloc

from cells import load

RATE, DECAY = 0.05, 1e-4


def data():
    """Return the 100 points and labels -1/+1 of micrograd's demo, as plain lists."""
    import numpy as np
    from sklearn.datasets import make_moons
    np.random.seed(1337)
    points, labels = make_moons(n_samples=100, noise=0.1)
    return points.tolist(), (labels * 2 - 1).tolist()


def kit(nb, points, labels):
    """Return a step function of the notebook's own engine and network."""
    model = nb.MLP(2, [16, 16, 1], rng=random.Random(1337))
    weights = model.parameters()

    def step():
        outputs = [model(point) for point in points]
        loss = nb.hinge_loss(outputs, labels) + nb.penalty(weights, DECAY)
        loss.backward()
        for p in weights:
            p.value -= RATE * p.grad
        return loss.value
    return step, [p.value for p in weights]


def compiled(nb, points, labels):
    """Return a step function of the program written from the graph of one point."""
    model = nb.MLP(2, [16, 16, 1], rng=random.Random(1337))
    inputs, label = [nb.Node(0.0), nb.Node(0.0)], nb.Node(1)
    run = nb.program((1 - model(inputs) * label).relu(), [*inputs, label], model.parameters())
    rows, n = [(*point, y) for point, y in zip(points, labels)], len(points)
    weights = [p.value for p in model.parameters()]

    def step():
        nonlocal weights
        total, grads = run(weights, rows)
        loss = total / n + DECAY * sum(w * w for w in weights)
        weights = [w - RATE * (g / n + 2 * DECAY * w) for w, g in zip(weights, grads)]
        return loss
    return step


def seconds_to_write(nb):
    """Return the seconds it takes to write and compile that program."""
    began = time.process_time()
    compiled(nb, [(0, 0)], [1])
    return time.process_time() - began


def pytorch(weights, points, labels):
    """Return a step function of PyTorch on all points at once; None if it is missing."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    draw, net = iter(weights), []
    for size, count in ((2, 16), (16, 16), (16, 1)):
        rows = [[next(draw) for _ in range(size + 1)] for _ in range(count)]
        table = torch.tensor(rows, dtype=torch.float64)
        net += [table[:, :-1].T.clone().requires_grad_(), table[:, -1].clone().requires_grad_()]
    x, y = torch.tensor(points, dtype=torch.float64), torch.tensor(labels, dtype=torch.float64)

    def step():
        h = torch.relu(torch.relu(x @ net[0] + net[1]) @ net[2] + net[3])
        scores = (h @ net[4] + net[5])[:, 0]
        loss = torch.relu(1 - y * scores).mean() + DECAY * sum((p * p).sum() for p in net)
        for p, g in zip(net, torch.autograd.grad(loss, net)):
            p.data -= RATE * g
        return loss.item()
    return step


def micrograd(weights, points, labels):
    """Return a step function of micrograd, as in its own demo."""
    from micrograd.engine import Value
    from micrograd.nn import MLP
    model = MLP(2, [16, 16, 1])
    for neuron in (n for layer in model.layers for n in layer.neurons):
        for p in [*neuron.w, neuron.b]:
            p.data = weights[0]
            weights = weights[1:]

    def step():
        outputs = [model([Value(x) for x in point]) for point in points]
        losses = [(1 + -y * score).relu() for y, score in zip(labels, outputs)]
        loss = sum(losses) * (1.0 / len(losses)) + DECAY * sum(p * p for p in model.parameters())
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= RATE * p.grad
        return loss.data
    return step


def by_hand(weights, points, labels):
    """Return a step function that back-propagates on plain lists, without any engine."""
    draw, net = iter(weights), []
    for size, count in ((2, 16), (16, 16), (16, 1)):
        net.append([[next(draw) for _ in range(size + 1)] for _ in range(count)])

    def step():
        loss = DECAY * sum(w * w for layer in net for row in layer for w in row)
        grads = [[[2 * DECAY * w for w in row] for row in layer] for layer in net]
        for point, y in zip(points, labels):
            states = [point]
            for k, layer in enumerate(net):
                x = states[-1]
                out = [sum([w * v for w, v in zip(row, x)]) + row[-1] for row in layer]
                states.append([v if v > 0 else 0.0 for v in out] if k < 2 else out)
            margin = 1 - y * states[3][0]
            loss += max(margin, 0.0) / len(points)
            upstream = [-y / len(points) if margin > 0 else 0.0]
            for layer, grad, x in zip(net[::-1], grads[::-1], states[-2::-1]):
                below = [0.0] * len(x)
                for row, g_row, up in zip(layer, grad, upstream):
                    for i, v in enumerate(x):
                        g_row[i] += up * v
                        below[i] += up * row[i]
                    g_row[-1] += up
                upstream = [g if v > 0 else 0.0 for g, v in zip(below, x)]
        for layer, grad in zip(net, grads):
            for row, g_row in zip(layer, grad):
                row[:] = [w - RATE * g for w, g in zip(row, g_row)]
        return loss
    return step


def seconds(make, steps):
    """Return CPU seconds a step and the last loss, over `steps` steps of a new network."""
    step = make()
    gc.collect()
    began = time.process_time()
    for _ in range(steps):
        loss = step()
    return (time.process_time() - began) / steps, loss


def bytes_per_node(nb, n=10_000):
    """Return the bytes a node of relu(acc·w + x) takes after the forward pass."""
    w, x, last = nb.Node(0.5), nb.Node(0.1), nb.Node(0.3)
    tracemalloc.start()
    for _ in range(n // 3):
        last = (last * w + x).relu()
    used = tracemalloc.get_traced_memory()[0] / n
    tracemalloc.stop()
    return used


def recursion_over_sweep(nb, points, labels):
    """Return the time of a whole step with `backward`, over one with the sweep."""
    model = nb.MLP(2, [16, 16, 1], rng=random.Random(1337))

    def step(backward):
        loss = nb.hinge_loss([model(point) for point in points], labels)
        backward(loss)
    best = {}
    for _ in range(8):
        for backward in (nb.Node.backward, nb.sweep_backward):
            best[backward] = min(best.get(backward, 9), seconds(lambda b=backward: lambda: step(b), 2)[0])
    return best[nb.Node.backward] / best[nb.sweep_backward]


class Value:
    """A plain scalar engine in microgpt's manner: four slots, no names, no rules, no checks."""
    __slots__ = "data", "grad", "children", "slopes"

    def __init__(self, data, children=(), slopes=()):
        self.data, self.grad, self.children, self.slopes = data, 0, children, slopes

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), (1, 1))

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n):
        return Value(self.data**n, (self,), (n * self.data**(n - 1),))

    def log(self):
        """Return the natural logarithm."""
        return Value(math.log(self.data), (self,), (1 / self.data,))

    def exp(self):
        """Return e to this power."""
        e = math.exp(self.data)
        return Value(e, (self,), (e,))

    def relu(self):
        """Return this number or 0."""
        return Value(max(0, self.data), (self,), (float(self.data > 0),))

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + (-other)

    def __truediv__(self, other):
        return self * other**-1

    def backward(self):
        """Fill in grad: an order first, then one sweep."""
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for child in node.children:
                    visit(child)
                order.append(node)
        visit(self)
        self.grad = 1
        for node in reversed(order):
            for child, slope in zip(node.children, node.slopes):
                child.grad += slope * node.grad


WIDTH, HEADS, LETTERS, BLOCK = 16, 4, 27, 16
MATRICES = {"token": (LETTERS, WIDTH), "place": (BLOCK, WIDTH), "query": (WIDTH, WIDTH), "key": (WIDTH, WIDTH),
            "value": (WIDTH, WIDTH), "out": (WIDTH, WIDTH), "up": (4 * WIDTH, WIDTH), "down": (WIDTH, 4 * WIDTH),
            "read": (LETTERS, WIDTH)}
WORD = [26, 4, 12, 12, 0, 11, 8, 21, 26]


def by_operators(x, matrix):
    """Return matrix · x by sums and products of two operands."""
    return [sum(w * v for w, v in zip(row, x)) for row in matrix]


def normed(x):
    """Return x divided by the root of its mean square."""
    scale = (sum(v * v for v in x) / len(x) + 1e-5) ** -0.5
    return [v * scale for v in x]


def softmax(scores, data):
    """Return the probabilities of scores."""
    top = max(data(s) for s in scores)
    powers = [(s - top).exp() for s in scores]
    whole = sum(powers)
    return [p / whole for p in powers]


def gpt_loss(w, data, linear):
    """Return the mean loss of guessing each next letter of WORD."""
    keys, values, losses, n = [], [], [], WIDTH // HEADS
    for place, (letter, target) in enumerate(zip(WORD, WORD[1:])):
        before = normed([a + b for a, b in zip(w["token"][letter], w["place"][place])])
        x = normed(before)
        query = linear(x, w["query"])
        keys.append(linear(x, w["key"]))
        values.append(linear(x, w["value"]))
        mixed = []
        for h in range(0, WIDTH, n):
            scores = [sum(query[h + j] * key[h + j] for j in range(n)) / n**0.5 for key in keys]
            look = softmax(scores, data)
            mixed += [sum(a * value[h + j] for a, value in zip(look, values)) for j in range(n)]
        before = [a + b for a, b in zip(linear(mixed, w["out"]), before)]
        x = [v.relu() for v in linear(normed(before), w["up"])]
        x = [a + b for a, b in zip(linear(x, w["down"]), before)]
        losses.append(-softmax(linear(x, w["read"]), data)[target].log())
    return sum(losses) * (1 / len(losses))


def gpt(make, data, linear=by_operators):
    """Return a step function: loss and gradients of the GPT on nodes made by `make`."""
    draw = random.Random(42)
    w = {name: [[make(draw.gauss(0, 0.08)) for _ in range(columns)] for _ in range(rows)]
         for name, (rows, columns) in MATRICES.items()}

    def step():
        for row in (row for matrix in w.values() for row in matrix):
            for p in row:
                p.grad = 0
        loss = gpt_loss(w, data, linear)
        loss.backward()
        return data(loss), sum(abs(p.grad) for row in w["key"] for p in row)
    return step


def gpt_ratios(nb, rounds):
    """Return (Node's time, Node's with weighted_sum) over the plain engine's."""
    def by_weighted_sum(x, matrix):
        return [nb.weighted_sum(row, x) for row in matrix]
    steps = {"plain": gpt(Value, lambda v: v.data), "node": gpt(nb.Node, lambda v: v.value),
             "sums": gpt(nb.Node, lambda v: v.value, by_weighted_sum)}
    best, seen = {}, {}
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    for _ in range(2 * rounds):
        for name, step in steps.items():
            gc.collect()
            began = time.process_time()
            seen[name] = step()
            best[name] = min(best.get(name, 9), time.process_time() - began)
    sys.setrecursionlimit(limit)
    assert max(abs(a / b - 1) for one in seen.values() for a, b in zip(one, seen["plain"])) < 1e-9, seen
    return best["node"] / best["plain"], best["sums"] / best["plain"]


def number_ratio(nb):
    """Return the time of node × number over that of node × node."""
    names = {"x": nb.Node(2.0), "y": nb.Node(3.0)}
    best = {}
    for _ in range(15):
        for text in ("x * y", "x * 2.0"):
            best[text] = min(best.get(text, 9), timeit.timeit(text, globals=names, number=20_000))
    return best["x * 2.0"] / best["x * y"]


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--steps", type=int, default=20)
    ask.add_argument("--rounds", type=int, default=5)
    asked = ask.parse_args()
    steps, rounds = asked.steps, asked.rounds
    nb = load()
    points, labels = data()
    weights = kit(nb, points, labels)[1]
    makers = {"mGradPlus": lambda: kit(nb, points, labels)[0],
              "its program": lambda: compiled(nb, points, labels),
              "micrograd": lambda: micrograd(weights, points, labels),
              "lists by hand": lambda: by_hand(weights, points, labels),
              "PyTorch": lambda: pytorch(weights, points, labels)}
    if not makers["PyTorch"]():
        del makers["PyTorch"]
    print(f"One training step, MLP 2-16-16-1, 100 moons, mean of {steps} steps\n")
    print("| garbage collector | engine | ms a step | times as fast as micrograd | time of the lists by hand "
          "| of PyTorch |\n| --- | --- | --- | --- | --- | --- |")
    for collector in ("as it comes", "off in all"):
        (gc.enable if collector == "as it comes" else gc.disable)()
        best, losses = {}, {}
        for _ in range(rounds):
            for name, make in makers.items():
                spent, losses[name] = seconds(make, steps)
                best[name] = min(best.get(name, 9), spent)
        assert max(losses.values()) - min(losses.values()) < 1e-9, losses
        for name in ("mGradPlus", "its program"):
            ours = best[name]
            torch = f"{ours / best['PyTorch']:.1f}" if "PyTorch" in best else "not installed"
            print(f"| {collector} | {name} | {ours * 1e3:.2f} | {best['micrograd'] / ours:.1f} "
                  f"| {ours / best['lists by hand']:.2f} | {torch} |")
    gc.enable()
    print(f"\nThe program is written and compiled in {min(seconds_to_write(nb) for _ in range(rounds)):.3f} s.")
    print("\nOne step of a scalar GPT, times the plain engine's\n\n| garbage collector | Node | Node with weighted_sum |\n| --- | --- | --- |")
    for collector in ("as it comes", "off in all"):
        (gc.enable if collector == "as it comes" else gc.disable)()
        print("| {} | {:.2f} | {:.2f} |".format(collector, *gpt_ratios(nb, rounds)))
    gc.enable()
    print(f"\nnode × number takes {number_ratio(nb):.2f} times node × node.")
    print(f"Bytes a node after the forward pass: {bytes_per_node(nb):.0f}")
    print(f"A step with the recursion takes {recursion_over_sweep(nb, points, labels):.2f} times one with an ordered sweep.")


if __name__ == "__main__":
    main()
