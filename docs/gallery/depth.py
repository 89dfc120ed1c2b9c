"""What the articles claim of learning, of depth and of time, each claim run as an experiment."""

from exhibit import Room, experiment

ROOM = Room(
    "depth", "Depth and time",
    "The articles say that gradients vanish, explode, die and are forgotten. Here each claim is a "
    "program of its own, with fixed seeds: its picture, what was seen in a sentence, and the table "
    "that it prints.",
    "What all four articles claim, tried out", (experiment,),
)  # fmt: skip


@ROOM.shows(
    "N0.update P3.7", "A neuron goes downhill, a thousand steps",
    "The neuron of the first article, one step after another: its path on the cost surface of its "
    "two weights, with the bias held, and the cost where all three move.",
)  # fmt: skip
def descent():
    return experiment("descent")


@ROOM.shows(
    "P3.3", "The perceptron rule, and backpropagation",
    "Where a line parts the points the perceptron stops; where none does it never rests. One "
    "neuron trained by its gradient settles, but it is a line too; hidden units bend it.",
    steady=False,
)  # fmt: skip
def perceptron():
    return experiment("perceptron")


@ROOM.shows(
    "P3.2 P3.11", "XOR, by two hidden units",
    "No line parts these four points. Two hidden units fold the plane, so that in the hidden space "
    "at the right one straight cut is enough; whether a training finds it depends on its start.",
    steady=False,
)  # fmt: skip
def xor():
    return experiment("xor")


@ROOM.shows(
    "P3.5 C3.flat C0.saturation", "A slow start: quadratic cost, cross-entropy",
    "A neuron that is surely wrong sits where the sigmoid is flat. The gradient of the quadratic "
    "cost has that slope as a factor; in that of the cross-entropy it cancels.",
)  # fmt: skip
def slow_start():
    return experiment("slow_start")


@ROOM.shows(
    "C0.saturation C3.flat", "Saturation",
    "Shaded is where tanh is flatter than 0.05; the grey bars are the weighted sums of a hidden "
    "layer. Weights that are too large push them to the ends, and what arrives there is lost.",
    steady=False,
)  # fmt: skip
def saturation():
    return experiment("saturation")


@ROOM.shows(
    "C0.vanishing C0.relu", "Vanishing, layer by layer",
    "Twenty layers, with weights that turn a gradient and do not shorten it: what a sigmoid hands "
    "on, what tanh and ReLU do, and what halved weights cost even where the slope is near 1.",
    steady=False,
)  # fmt: skip
def vanishing():
    return experiment("vanishing")


@ROOM.shows(
    "C0.dead C3.flat", "Dying ReLUs, and the leaky kind",
    "Killed by one step that is too large, or born with a bias far below 0: a ReLU that is shut "
    "for every example never opens again. A leaky one has a slope there, and comes back.",
    steady=False,
)  # fmt: skip
def dying():
    return experiment("dying")


@ROOM.shows(
    "C0.exploding C0.clip P0.7", "Exploding through a hundred time steps, and clipped",
    "Recurrent weights a tenth too long, and a gradient is 14,000 times too long after a hundred "
    "steps. Clipping keeps the steps short until the weights have shrunk: a guard, and no cure.",
    steady=False,
)  # fmt: skip
def exploding():
    return experiment("exploding")


@ROOM.shows(
    "C0.lstm P0.7", "Remembering the first of thirty inputs",
    "The weights’ gradient is a sum with a part for each time step, and only the first part knows "
    "what to remember. The LSTM’s sum passes it with factor 1, but half-open gates halve it at "
    "every step: it is the gates that begin by keeping which make LSTM and GRU remember.",
    steady=False,
)  # fmt: skip
def memory():
    return experiment("memory")
