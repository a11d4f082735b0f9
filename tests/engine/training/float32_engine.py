"""``python -m engine`` that trains in float32 on every machine.

A CPU that multiplies faster in bfloat16 trains images in it, and then sums of parts differ by more
than can be compared.
"""

import torch

from engine.checkpoints import networks
from engine.commands.group import main

networks.training_type = lambda device: torch.float32

if __name__ == "__main__":
    main()
