"""Networks whose layers meet, part, run again or are read in unusual ways; images (3, 12, 12)."""

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 # as everybody writes it

CLASSES = 5


def block(inputs, outputs, kernel=3, *, stride=1, groups=1, act=nn.ReLU):
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False, groups=groups)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), act())


def head(features):
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, CLASSES))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.c, self.h = block(3, 24), block(24, 24), nn.Linear(24, CLASSES)

    def forward(self, x):
        x = F.max_pool2d(self.a(x), 2)
        for _ in range(3):
            x = self.c(x)
        return self.h(x.mean((2, 3)))


class TwiceApart(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.c, self.d, self.h = block(3, 16), block(16, 16), block(16, 16, 1), nn.Linear(16, CLASSES)

    def forward(self, x):
        x = self.c(self.a(x))
        x = self.c(self.d(F.max_pool2d(x, 2)))
        return self.h(x.mean((2, 3)))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.h = (
            block(3, 16),
            nn.Conv2d(16, 16, 3, padding=1),
            nn.Conv2d(16, 16, 3, padding=1),
            head(16),
        )
        self.c.weight = self.b.weight

    def forward(self, x):
        return self.h(F.relu(self.c(F.relu(self.b(self.a(x))))))


class Flag(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.h = block(3, 16), block(16, 16), nn.Linear(16, CLASSES)

    def forward(self, x, flag=None):
        f = self.b(self.a(x))
        if flag is None:
            f = f.flip(1) * 3
        return self.h(f.mean((2, 3)))


class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.h = block(3, 16), block(16, 16), nn.Linear(16, CLASSES)

    def forward(self, x):
        if x.shape[-1] > 10 and x.abs().sum() > 0:
            x = F.max_pool2d(x, 2)
        return self.h(self.b(self.a(x)).mean((2, 3)))


class Auxiliary(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.aux, self.h = block(3, 16), block(16, 24), head(16), head(24)

    def forward(self, x):
        x = self.a(x)
        y = self.h(self.b(x))
        return y + 0.3 * self.aux(x) if self.training else y


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.h1, self.h2 = block(3, 16), block(16, 24), head(16), head(24)

    def forward(self, x):
        x = self.a(x)
        return self.h1(x) + self.h2(self.b(x))


def squeezenet():
    return nn.Sequential(
        block(3, 16), block(16, 24), nn.Conv2d(24, CLASSES, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


class LenetView(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c2, self.p = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 16, 3), nn.MaxPool2d(2)
        self.f1, self.f2 = nn.Linear(16 * 1 * 1 * 1, 32), nn.Linear(32, CLASSES)
        self.f1 = nn.Linear(16, 32)

    def forward(self, x):
        x = self.p(F.relu(self.c1(x)))
        x = self.p(F.relu(self.c2(x)))
        return self.f2(F.relu(self.f1(x.view(-1, 16))))


class MnistView(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 16, 3)
        self.f1, self.f2 = nn.Linear(16 * 4 * 4, 32), nn.Linear(32, CLASSES)

    def forward(self, x):
        x = F.relu(self.c1(x))
        x = F.relu(F.max_pool2d(self.c2(x), 2))
        x = x.view(-1, 256)
        x = F.dropout(F.relu(self.f1(x)), training=self.training)
        return F.log_softmax(self.f2(x), dim=1)


class ReshapeSize(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c2, self.f = block(3, 8), block(8, 16, stride=2), nn.Linear(16 * 36, CLASSES)

    def forward(self, x):
        x = self.c2(self.c1(x))
        return self.f(x.reshape(x.size(0), -1))


class ReshapeConst(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c2, self.f = block(3, 8), block(8, 16, stride=2), nn.Linear(16 * 36, CLASSES)
        self.features = 16 * 36

    def forward(self, x):
        x = self.c2(self.c1(x))
        return self.f(torch.reshape(x, (x.shape[0], self.features)))


def flatten_spatial():
    return nn.Sequential(
        block(3, 8), block(8, 16, stride=2), nn.Flatten(), nn.Linear(16 * 36, 24), nn.ReLU(), nn.Linear(24, CLASSES)
    )


def flatten_bn1d():
    return nn.Sequential(
        block(3, 8),
        block(8, 16, stride=2),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.BatchNorm1d(64),
        nn.Linear(64, 24),
        nn.BatchNorm1d(24),
        nn.ReLU(),
        nn.Linear(24, CLASSES),
    )


class ChunkSplit(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.right, self.body, self.fc = (
            block(3, 16, stride=2),
            block(8, 8),
            block(16, 32),
            nn.Linear(32, CLASSES),
        )

    def forward(self, x):
        left, right = self.stem(x).chunk(2, 1)
        return self.fc(self.body(torch.cat([left, self.right(right)], 1)).mean((2, 3)))


class SplitConst(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.right, self.body, self.fc = (
            block(3, 16, stride=2),
            block(8, 8),
            block(16, 32),
            nn.Linear(32, CLASSES),
        )
        self.c = 8

    def forward(self, x):
        left, right = torch.split(self.stem(x), [self.c, self.c], 1)
        return self.fc(self.body(torch.cat([left, self.right(right)], 1)).mean((2, 3)))


class SliceConst(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.part, self.body, self.fc = (
            block(3, 16, stride=2),
            block(4, 4),
            block(16, 32),
            nn.Linear(32, CLASSES),
        )

    def forward(self, x):
        x = self.stem(x)
        a, b = x[:, :4], x[:, 4:]
        return self.fc(self.body(torch.cat((self.part(a), b), 1)).mean((2, 3)))


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(432, 32), nn.ReLU(), nn.Linear(32, CLASSES))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.m, self.h = (
            block(3, 16, stride=2),
            block(16, 16, stride=2),
            nn.MultiheadAttention(16, 2, batch_first=True),
            nn.Linear(16, CLASSES),
        )

    def forward(self, x):
        x = self.b(self.a(x)).flatten(2).transpose(1, 2)
        return self.h(self.m(x, x, x)[0].mean(1))


class NonLocal(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.q, self.k, self.v, self.h = (
            block(3, 16, stride=2),
            nn.Conv2d(16, 8, 1),
            nn.Conv2d(16, 8, 1),
            nn.Conv2d(16, 16, 1),
            head(16),
        )

    def forward(self, x):
        x = self.a(x)
        n, c, h, w = x.shape
        q, k, v = (m(x).flatten(2) for m in (self.q, self.k, self.v))
        a = torch.softmax(q.transpose(1, 2) @ k, -1)
        return self.h(x + (v @ a.transpose(1, 2)).view(n, c, h, w))


class CatInResidual(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d, self.h = (
            block(3, 16),
            block(16, 8),
            block(16, 8),
            block(16, 16),
            nn.Linear(16, CLASSES),
        )

    def forward(self, x):
        x = self.a(x)
        return self.h(self.d(x + torch.cat([self.b(x), self.c(x)], 1)).mean((2, 3)))


class C2fBottleneck(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.cv1, self.cv2 = block(c, c, act=nn.SiLU), block(c, c, act=nn.SiLU)

    def forward(self, x):
        return x + self.cv2(self.cv1(x))


class C2f(nn.Module):
    def __init__(self, c1, c2, n=2):
        super().__init__()
        self.c = c2 // 2
        self.cv1, self.cv2 = block(c1, 2 * self.c, 1, act=nn.SiLU), block((2 + n) * self.c, c2, 1, act=nn.SiLU)
        self.m = nn.ModuleList(C2fBottleneck(self.c) for _ in range(n))

    def forward(self, x):
        y = list(self.cv1(x).chunk(2, 1))
        y.extend(m(y[-1]) for m in self.m)
        return self.cv2(torch.cat(y, 1))


def c2f():
    return nn.Sequential(block(3, 16), C2f(16, 32), head(32))


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = block(3, 16)
        self.l = nn.ModuleList(
            nn.Sequential(nn.BatchNorm2d(16 + 8 * i), nn.ReLU(), nn.Conv2d(16 + 8 * i, 8, 3, padding=1))
            for i in range(3)
        )
        self.h = head(40)

    def forward(self, x):
        x = self.a(x)
        for layer in self.l:
            x = torch.cat([x, layer(x)], 1)
        return self.h(x)


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b1, self.b2, self.b3, self.h = (
            block(3, 16),
            block(16, 8, 1),
            nn.Sequential(block(16, 8, 1), block(8, 12)),
            block(16, 4, 1),
            head(24),
        )

    def forward(self, x):
        x = self.a(x)
        return self.h(torch.cat([self.b1(x), self.b2(x), self.b3(F.avg_pool2d(x, 3, 1, 1))], 1))


class OptionA(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.fc = block(3, 16, stride=2), nn.Linear(32, CLASSES)
        self.c1, self.b1, self.c2, self.b2 = (
            nn.Conv2d(16, 32, 3, 2, 1, bias=False),
            nn.BatchNorm2d(32),
            nn.Conv2d(32, 32, 3, 1, 1, bias=False),
            nn.BatchNorm2d(32),
        )

    def forward(self, x):
        x = self.stem(x)
        out = self.b2(self.c2(F.relu(self.b1(self.c1(x)))))
        out = out + F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 8, 8))
        return self.fc(F.relu(out).mean((2, 3)))


class Maximum(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.h = block(3, 16), block(16, 16), block(16, 16), head(16)

    def forward(self, x):
        x = self.a(x)
        return self.h(torch.maximum(self.b(x), self.c(x)))


NETWORKS = (
    Recurrent,
    TwiceApart,
    Tied,
    Flag,
    Branching,
    Auxiliary,
    TwoHeads,
    squeezenet,
    LenetView,
    MnistView,
    ReshapeSize,
    ReshapeConst,
    flatten_spatial,
    flatten_bn1d,
    ChunkSplit,
    SplitConst,
    SliceConst,
    mlp,
    Attention,
    NonLocal,
    CatInResidual,
    c2f,
    Dense,
    Inception,
    OptionA,
    Maximum,
)
