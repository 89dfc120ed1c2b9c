"""All experiments, one after the other, in the order of the story.

python examples/experiments --out pictures
"""

import descent
import dying
import exploding
import memory
import perceptron
import saturation
import slow_start
import vanishing
import xor
from experiment import tell

STORY = (descent, perceptron, xor, slow_start, saturation, vanishing, dying, exploding, memory)

if __name__ == "__main__":
    tell(*(part.experiment for part in STORY))
