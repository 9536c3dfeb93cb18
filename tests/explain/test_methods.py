import torch

from audit.explain.methods import grad_cam


def test_grad_cam_by_hand():
    activation = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]], [[4.0, 0.0], [0.0, 1.0]]]])
    gradient = torch.tensor([[[[1.0, 1.0], [1.0, 1.0]], [[-4.0, 0.0], [0.0, 0.0]]]])
    # α = (1, -1): A¹ - A² = (-3, 2, 3, 3), and the negative part is cut
    assert grad_cam(activation, gradient).tolist() == [[[0.0, 2.0], [3.0, 3.0]]]
