"""Writes `adam.pt`, by which Adam's update reaches libtorch's fused kernel.

The kernel is one pass over parameters, gradient and state where single
operations take ten. tch binds no function that takes lists of tensors, but it
runs TorchScript, which can call any. Made with PyTorch 2.13.0:

    python3 adam.py
"""

import io
import zipfile
from typing import List

import torch


class Adam(torch.nn.Module):
    # The lists are arguments, because an update of lists made in here would
    # count as one that nobody sees, and be left out.
    @torch.jit.export
    def update(
        self,
        parameters: List[torch.Tensor],
        gradients: List[torch.Tensor],
        means: List[torch.Tensor],
        squares: List[torch.Tensor],
        updates: List[torch.Tensor],
        rate: float,
        beta1: float,
        beta2: float,
        epsilon: float,
    ) -> int:
        torch._fused_adam_(
            parameters,
            gradients,
            means,
            squares,
            [],
            updates,
            lr=rate,
            beta1=beta1,
            beta2=beta2,
            weight_decay=0.0,
            eps=epsilon,
            amsgrad=False,
            maximize=False,
        )
        return len(parameters)


whole = io.BytesIO()
torch.jit.save(torch.jit.script(Adam()), whole)
# Without the debugging records, which hold the paths of whoever ran this.
with zipfile.ZipFile(whole) as source, zipfile.ZipFile("adam.pt", "w") as target:
    for name in source.namelist():
        if not name.endswith(".debug_pkl"):
            target.writestr(zipfile.ZipInfo(name), source.read(name))
