"""Makes the files beside it with torch.save, so that the reader is tested against the writer it is for (torch 1.13 made these).

    python3 make.py

Every tensor holds k/8 - 1 for k = 0, 1, 2, ..., which all three dtypes hold exactly. `embed` and `lm_head` share a storage in tied.bin.
"""

import collections

import torch


def tensor(*shape, dtype=torch.float32):
    count = torch.Size(shape).numel()
    return (torch.arange(count) / 8 - 1).reshape(shape).to(dtype)


class Body(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = torch.nn.Linear(3, 4)
        self.norm = torch.nn.LayerNorm(4)


# A module's state dict: an OrderedDict with _metadata.
body = Body()
for parameter in body.parameters():
    parameter.data = tensor(*parameter.shape)
torch.save(body.state_dict(), "module-f32.bin")

# Plain dictionaries, scalars and sizes of zero.
torch.save({"w": tensor(5, 3, dtype=torch.float16), "empty": torch.empty(0, 4).half(), "one": tensor().half()}, "plain-f16.bin")
torch.save({"w": tensor(5, 3, dtype=torch.bfloat16)}, "plain-bf16.bin")

# One storage: the embedding, its duplicate as head, and a view from its second row on.
embed = tensor(5, 4, dtype=torch.float16)
torch.save(collections.OrderedDict(embed=embed, lm_head=embed, rows=embed[1:3]), "tied.bin")

torch.save({"w": torch.nn.Parameter(tensor(2, 3)), "steps": torch.tensor([1, 2])}, "parameter.bin")
torch.save({"w": tensor(2, 3), "turned": tensor(2, 3).t()}, "transposed.bin")
torch.save({"w": tensor(2, 3)}, "legacy.bin", _use_new_zipfile_serialization=False)
torch.save([tensor(2)], "list.bin")
