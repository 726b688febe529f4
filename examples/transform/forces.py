"""Forces: the gradient of an energy by the positions of atoms, and how they change with these, as plain ONNX.

    python forces.py [FOLDER]        needs torch, onnx and onnxruntime, and innerloop (npm install innerloop)
"""

import torch
from transforming import compare, export, transform

ATOMS = 6


class Potential(torch.nn.Module):
    """A small network of the distance of each pair, fading with it; the energy is the sum."""

    def __init__(self):
        super().__init__()
        self.pair = torch.nn.Sequential(torch.nn.Linear(1, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
        self.i, self.j = torch.triu_indices(ATOMS, ATOMS, 1)

    def forward(self, positions):
        r = (positions[self.i] - positions[self.j]).square().sum(1).sqrt()
        return (self.pair(r[:, None])[:, 0] * torch.exp(-r)).sum()


torch.manual_seed(1)
energy, positions = Potential().double(), torch.randn(ATOMS, 3, dtype=torch.float64)
export("energy", energy, {"positions": positions}, ["energy"])

gradient = transform("energy", "value-and-grad", "--wrt", "positions", out="gradient")(positions=positions)
compare("energy", gradient["energy"], energy(positions).detach())
compare("gradient", gradient["grad/positions"], torch.func.grad(energy)(positions))

# What is written is a model again: the Jacobian of the gradient is the Hessian, and vmap takes many molecules at once.
hessian = transform("gradient", "jacobian", "--of", "grad/positions", "--wrt", "positions", out="hessian")(positions=positions)
compare("Hessian", hessian["jacobian/positions"], torch.func.hessian(energy)(positions))

many = torch.randn(4, ATOMS, 3, dtype=torch.float64)
batch = transform("gradient", "vmap", "--axis", "positions=0", out="gradients")(positions=many)
compare("gradients of four", batch["grad/positions"], torch.func.vmap(torch.func.grad(energy))(many))
