from pathlib import Path

import numpy as np
import pytest
import torch


@pytest.fixture(scope="session")
def parity_maps() -> tuple[torch.Tensor, torch.Tensor]:
    """Four maps and masks (4×16×16) that reference implementations were run on."""
    data = np.load(Path(__file__).parent / "parity.npz")
    return torch.from_numpy(data["a"][:, 0]).float(), torch.from_numpy(data["s"][:, 0])
