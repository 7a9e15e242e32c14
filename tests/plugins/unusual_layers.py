"""Networks with other layers than plain convolutions; images (3, 12, 12)."""

import warnings

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 # as everybody writes it
from torch.nn.utils import parametrizations

CLASSES = 5


def block(inputs, outputs, kernel=3, *, stride=1, groups=1, act=nn.ReLU):
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False, groups=groups)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), act())


def head(features):
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, CLASSES))


class Cbam(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.s, self.b, self.h = (
            block(3, 16),
            nn.Conv2d(2, 1, 3, padding=1),
            block(16, 16),
            nn.Linear(16, CLASSES),
        )

    def forward(self, x):
        x = self.a(x)
        x = x * torch.sigmoid(self.s(torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)))
        return self.h(self.b(x).mean((2, 3)))


class SeSE(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(c, c // 4), nn.ReLU(), nn.Linear(c // 4, c), nn.Sigmoid())

    def forward(self, x):
        b, c, _, _ = x.size()
        return x * self.f(x.mean((2, 3)).view(b, c)).view(b, c, 1, 1)


def se():
    return nn.Sequential(block(3, 16), SeSE(16), block(16, 32, stride=2), SeSE(32), head(32))


class SeConvSE(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.p, self.a, self.b = nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, c // 2, 1), nn.Conv2d(c // 2, c, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.b(F.relu(self.a(self.p(x)))))


def se_conv():
    return nn.Sequential(block(3, 16), SeConvSE(16), block(16, 32, stride=2), SeConvSE(32), head(32))


class EcaECA(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv1d(1, 1, 3, padding=1, bias=False)

    def forward(self, x):
        y = self.c(x.mean((2, 3)).unsqueeze(1)).squeeze(1)
        return x * torch.sigmoid(y)[:, :, None, None]


def eca():
    return nn.Sequential(block(3, 16), EcaECA(), block(16, 32), head(32))


def group_norm():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3),
        nn.GroupNorm(4, 16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3),
        nn.GroupNorm(4, 32),
        nn.ReLU(),
        head(32),
    )


def group_norm_one():
    return nn.Sequential(nn.Conv2d(3, 16, 3), nn.GroupNorm(1, 16), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(), head(32))


def instance_norm():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3), nn.InstanceNorm2d(16, affine=True), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(), head(32)
    )


class LayerNorm2dLN(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def layer_norm2d():
    return nn.Sequential(nn.Conv2d(3, 16, 3), LayerNorm2dLN(16), nn.Conv2d(16, 32, 3), nn.ReLU(), head(32))


class ConvnextBlk(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.dw, self.n, self.p1, self.p2 = (
            nn.Conv2d(c, c, 3, padding=1, groups=c),
            nn.LayerNorm(c),
            nn.Linear(c, 4 * c),
            nn.Linear(4 * c, c),
        )
        self.gamma = nn.Parameter(torch.full((c,), 0.1))

    def forward(self, x):
        y = self.p2(F.gelu(self.p1(self.n(self.dw(x).permute(0, 2, 3, 1)))))
        return x + (self.gamma * y).permute(0, 3, 1, 2)


def convnext():
    return nn.Sequential(block(3, 16), ConvnextBlk(16), ConvnextBlk(16), head(16))


def prelu():
    return nn.Sequential(nn.Conv2d(3, 16, 3), nn.PReLU(16), nn.Conv2d(16, 32, 3), nn.PReLU(), head(32))


class LayerScale(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.h = block(3, 16), block(16, 16), head(16)
        self.g = nn.Parameter(torch.rand(16, 1, 1))

    def forward(self, x):
        x = self.a(x)
        return self.h(x + self.g * self.b(x))


def depthwise():
    return nn.Sequential(block(3, 16), block(16, 16, groups=16), block(16, 32, 1), block(32, 64, groups=32), head(64))


def grouped():
    return nn.Sequential(block(3, 16), block(16, 16, groups=4), block(16, 32, 1), head(32))


class ShufflenetUnit(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.b = nn.Sequential(
            block(c // 2, c // 2, 1), block(c // 2, c // 2, groups=c // 2, act=nn.Identity), block(c // 2, c // 2, 1)
        )

    def forward(self, x):
        a, b = x.chunk(2, 1)
        x = torch.cat([a, self.b(b)], 1)
        n, c, h, w = x.shape
        return x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)


def shufflenet():
    return nn.Sequential(block(3, 16), ShufflenetUnit(16), ShufflenetUnit(16), block(16, 32, 1), head(32))


def pixel_shuffle():
    return nn.Sequential(
        block(3, 16, stride=2), nn.Conv2d(16, 64, 3, 2, 1), nn.PixelShuffle(2), nn.ReLU(), block(16, 32), head(32)
    )


def pixel_unshuffle():
    return nn.Sequential(block(3, 8), nn.PixelUnshuffle(2), block(32, 16), head(16))


class Gate(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.h = block(3, 16), block(16, 16), block(16, 16, act=nn.Sigmoid), head(16)

    def forward(self, x):
        x = self.a(x)
        return self.h(self.b(x) * self.c(x))


class SpatialGate(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.g, self.b, self.h = block(3, 16), nn.Conv2d(16, 1, 1), block(16, 16), head(16)

    def forward(self, x):
        x = self.a(x)
        return self.h(self.b(x * torch.sigmoid(self.g(x))))


def sigmoid_act():
    return nn.Sequential(block(3, 16, act=nn.Sigmoid), block(16, 32, act=nn.Softplus), head(32))


class Unet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.up, self.c, self.h = (
            block(3, 16),
            block(16, 32),
            nn.ConvTranspose2d(32, 16, 2, 2),
            block(32, 16),
            head(16),
        )

    def forward(self, x):
        x = self.a(x)
        y = self.up(self.b(F.max_pool2d(x, 2)))
        y = F.interpolate(F.max_pool2d(y, 2), scale_factor=2, mode="bilinear", align_corners=False)
        return self.h(self.c(torch.cat([x, y], 1)))


class StandardisedConv(nn.Conv2d):
    def forward(self, x):
        w = self.weight
        w = (w - w.mean((1, 2, 3), keepdim=True)) / (w.std((1, 2, 3), keepdim=True) + 1e-5)
        return F.conv2d(x, w, self.bias, self.stride, self.padding)


class Conv2dSame(nn.Conv2d):
    def forward(self, x):
        return F.conv2d(F.pad(x, (1, 1, 1, 1)), self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class NormAct(nn.BatchNorm2d):
    def forward(self, x):
        return F.silu(super().forward(x))


def weight_standardisation():
    return nn.Sequential(
        StandardisedConv(3, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        StandardisedConv(8, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        head(16),
    )


def conv_same():
    return nn.Sequential(Conv2dSame(3, 16, 3), NormAct(16), Conv2dSame(16, 32, 3), NormAct(32), head(32))


def old_weight_norm():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nn.Sequential(
            nn.utils.weight_norm(nn.Conv2d(3, 16, 3)),
            nn.ReLU(),
            nn.utils.weight_norm(nn.Conv2d(16, 16, 3)),
            nn.ReLU(),
            head(16),
        )


def weight_norm():
    return nn.Sequential(
        parametrizations.weight_norm(nn.Conv2d(3, 16, 3)),
        nn.ReLU(),
        parametrizations.weight_norm(nn.Conv2d(16, 16, 3)),
        nn.ReLU(),
        head(16),
    )


def spectral_norm():
    return nn.Sequential(
        block(3, 16), parametrizations.spectral_norm(nn.Conv2d(16, 16, 3)), nn.ReLU(), block(16, 32), head(32)
    )


class DropConnect(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.h = block(3, 16), block(16, 16), head(16)
        self.register_buffer("scale", torch.rand(1, 16, 1, 1))

    def forward(self, x):
        x = self.a(x)
        return self.h(x + self.b(x) * self.scale)


class Maxout(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.h = nn.Conv2d(3, 16, 3), nn.Conv2d(8, 16, 3), head(16)

    def forward(self, x):
        x = self.a(x)
        n, c, h, w = x.shape
        x = x.view(n, c // 2, 2, h, w).amax(2)
        return self.h(F.relu(self.b(x)))


class SoftmaxPool(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.h = block(3, 16), block(16, 16), head(16)

    def forward(self, x):
        return self.h(self.b(torch.softmax(self.a(x), 1)))


class Sk(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.h = block(3, 16), block(16, 16), block(16, 16, 5), head(16)
        self.f, self.g = nn.Linear(16, 8), nn.Linear(8, 32)

    def forward(self, x):
        x = self.a(x)
        u = torch.stack([self.b(x), self.c(x)], 1)
        z = self.g(F.relu(self.f(u.sum(1).mean((2, 3)))))
        w = torch.softmax(z.view(-1, 2, 16), 1)
        return self.h((u * w[..., None, None]).sum(1))


NETWORKS = (
    Cbam,
    se,
    se_conv,
    eca,
    group_norm,
    group_norm_one,
    instance_norm,
    layer_norm2d,
    convnext,
    prelu,
    LayerScale,
    depthwise,
    grouped,
    shufflenet,
    pixel_shuffle,
    pixel_unshuffle,
    Gate,
    SpatialGate,
    sigmoid_act,
    Unet,
    weight_standardisation,
    conv_same,
    old_weight_norm,
    weight_norm,
    spectral_norm,
    DropConnect,
    Maxout,
    SoftmaxPool,
    Sk,
)
