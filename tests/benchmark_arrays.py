"""How fast are arrays? Prints ratios, all measured in this one run.

    python tests/benchmark_arrays.py

First the moons step of `benchmark.py`, in numbers and in arrays. Then, where PyTorch is
installed (it is not required), the digits network 64-64-32-10 with batches of 32, 30
epochs, momentum, float64, one thread, from the same weights in both. CPU seconds, best of
five rounds taken in turn.
"""
import random
import time

import numpy as np
from cells import load


def best_of(rounds, *makers):
    """Return the least CPU seconds of each maker's function, called in turn."""
    best = [float("inf")] * len(makers)
    for _ in range(rounds):
        for k, make in enumerate(makers):
            run = make()
            began = time.process_time()
            run()
            best[k] = min(best[k], time.process_time() - began)
    return best


def moons_steps(nb):
    """Return makers of 20 training steps on 100 moons: in Nodes, in Tensors."""
    points, labels = nb.moons(seed=1)

    def nodes():
        model = nb.MLP(2, [16, 16, 1], rng=random.Random(1))
        optimizer = nb.SGD(model.parameters(), 0.05)

        def run():
            for _ in range(20):
                nb.hinge_loss([model(p) for p in points], labels).backward()
                optimizer.step()
        return run

    arrays = np.array(points), np.array(labels)

    def tensors():
        model = nb.as_arrays(nb.MLP(2, [16, 16, 1], rng=random.Random(1)))
        optimizer = nb.SGD(model.parameters(), 0.05)

        def run():
            for _ in range(20):
                nb.hinge_loss(model(arrays[0]), arrays[1]).backward()
                optimizer.step()
        return run
    return nodes, tensors


def digit_runs(nb, torch):
    """Return makers of 30 epochs on the digits: ours, PyTorch's."""
    images, _, truth, _ = nb.digit_images()
    order = np.random.default_rng(0)
    batches = [order.permutation(len(images))[k:k + 32] for _ in range(30) for k in range(0, len(images), 32)]

    def ours():
        model = nb.dense([64, 64, 32, 10], np.random.default_rng(1))
        optimizer = nb.SGD(model.parameters(), 0.1, 0.9)

        def run():
            for pick in batches:
                nb.cross_entropy(model(images[pick]), truth[pick]).backward()
                optimizer.step()
        return run

    def theirs():
        weights = [torch.tensor(p.value, requires_grad=True)
                   for p in nb.dense([64, 64, 32, 10], np.random.default_rng(1)).parameters()]
        optimizer = torch.optim.SGD(weights, 0.1, 0.9)
        x_all, y_all = torch.tensor(images), torch.tensor(truth)

        def run():
            for pick in map(torch.from_numpy, batches):
                x = x_all[pick]
                for k in range(0, 6, 2):
                    x = (torch.relu(x) if k else x) @ weights[k] + weights[k + 1]
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(x, y_all[pick]).backward()
                optimizer.step()
        return run
    return ours, theirs


def main():
    nb = load()
    nodes, tensors = best_of(5, *moons_steps(nb))
    print(f"moons step: arrays are {nodes / tensors:.0f} times as fast as numbers")
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed: the digits were not compared")
        return
    torch.set_num_threads(1)
    ours, theirs = best_of(5, *digit_runs(nb, torch))
    print(f"digits, 30 epochs: {ours:.2f} s, {ours / theirs:.2f} times PyTorch's time")


if __name__ == "__main__":
    main()
