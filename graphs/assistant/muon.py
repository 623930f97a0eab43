"""
Muon (Keller Jordan, 2024): momentum, then the nearest orthogonal matrix by five Newton-Schulz steps. For block matrices; the
embedding and the gains stay with AdamW.
"""
import torch


class Muon(torch.optim.Optimizer):
    """`params` are matrices [out, in]. A step changes each by lr times an orthogonal matrix, scaled for tall ones."""

    def __init__(self, params, lr, momentum=0.95, weight_decay=0.0):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                if not state:
                    state["mean"] = torch.zeros_like(p)
                mean = state["mean"].lerp_(p.grad, 1 - group["momentum"])
                update = orthogonal(p.grad.lerp(mean, group["momentum"]))
                tall = max(1, p.shape[0] / p.shape[1]) ** 0.5
                p.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"] * tall)


def orthogonal(g):
    """g [out, in] with its singular values pulled close to 1: a quintic whose coefficients trade exactness for speed."""
    wide = g if g.shape[0] <= g.shape[1] else g.t()
    x = wide / (wide.norm() + 1e-7)
    for _ in range(5):
        a = x @ x.t()
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x if g.shape[0] <= g.shape[1] else x.t()
