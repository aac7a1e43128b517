"""How fast is the engine? Prints ratios, all measured in this one run.

    python tests/benchmark.py [--steps 20]

One training step is forward, loss, backward and update of the 2-16-16-1 network on 100
moons, from the same weights in every engine: mGradPlus, micrograd (from PyPI), and
back-propagation written out by hand on lists of floats, which is what a scalar engine in
Python can at best come near. Times are CPU seconds, engines take turns, the best of
three rounds counts.
"""
import argparse
import gc
import random
import time
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
        loss = nb.margin_loss(outputs, labels) + nb.penalty(weights, DECAY)
        loss.backward()
        for p in weights:
            p.value -= RATE * p.grad
        return loss.value
    return step, [p.value for p in weights]


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
        loss = nb.margin_loss([model(point) for point in points], labels)
        backward(loss)
    best = {}
    for _ in range(8):
        for backward in (nb.Node.backward, nb.sweep_backward):
            best[backward] = min(best.get(backward, 9), seconds(lambda b=backward: lambda: step(b), 2)[0])
    return best[nb.Node.backward] / best[nb.sweep_backward]


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--steps", type=int, default=20)
    steps = ask.parse_args().steps
    nb = load()
    points, labels = data()
    weights = kit(nb, points, labels)[1]
    makers = {"mGradPlus": lambda: kit(nb, points, labels)[0],
              "micrograd": lambda: micrograd(weights, points, labels),
              "lists by hand": lambda: by_hand(weights, points, labels)}
    print(f"One training step, MLP 2-16-16-1, 100 moons, mean of {steps} steps\n")
    print("| garbage collector | ms a step | times micrograd | times the lists by hand |\n| --- | --- | --- | --- |")
    for collector in ("as it comes", "off in all"):
        (gc.enable if collector == "as it comes" else gc.disable)()
        best, losses = {}, {}
        for _ in range(3):
            for name, make in makers.items():
                spent, losses[name] = seconds(make, steps)
                best[name] = min(best.get(name, 9), spent)
        assert max(losses.values()) - min(losses.values()) < 1e-9, losses
        ours = best["mGradPlus"]
        print(f"| {collector} | {ours * 1e3:.1f} | {best['micrograd'] / ours:.1f} times faster "
              f"| {ours / best['lists by hand']:.1f} times slower |")
    gc.enable()
    print(f"\nBytes a node after the forward pass: {bytes_per_node(nb):.0f}")
    print(f"A step with the recursion takes {recursion_over_sweep(nb, points, labels):.2f} times one with an ordered sweep.")


if __name__ == "__main__":
    main()
