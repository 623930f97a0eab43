/**
 * The maths of the exported module, written by hand in simple tensor operations. It shares no code
 * with the kernels or the oracle, so agreement with them is evidence. It works with PyTorch 1.13
 * and 2.x, on any device, and is differentiable.
 *
 * RMSNorm: arXiv 1910.07467. LayerNorm: arXiv 1607.06450. RoPE: arXiv 2104.09864. Grouped-query
 * attention: arXiv 2305.13245. Element-wise functions are one expression each, in the table of the
 * graph (`graph/src/functions.ts`).
 */

/** One Python function of the exported file, and the names of the functions that it calls. */
export interface PythonFunction {
  readonly needs: readonly PythonName[];
  readonly text: string;
  /** Whether a symbolic trace (torch.fx) has a call of it as one node, because it reads sizes. */
  readonly isLeaf?: boolean;
}

export type PythonName =
  | 'part'
  | 'rms_norm'
  | 'causal_conv'
  | 'turns'
  | 'rope_half'
  | 'rope_adjacent'
  | 'rope_part'
  | 'rope_linear'
  | 'rope_llama3'
  | 'rope_yarn'
  | 'rope_factors'
  | 'causal_attention'
  | 'bounded_attention';

/** Ready to print, in the order they are printed. */
export const pythonFunctions: Readonly<Record<PythonName, PythonFunction>> = {
  part: {
    needs: [],
    text: `def part(x, axis, first, count, groups, stride):
    """\`groups\` runs of \`count\` entries along an axis, \`stride\` entries from one to the next."""
    return torch.cat([x.narrow(axis, first + group * stride, count) for group in range(groups)], axis)`,
  },
  rms_norm: {
    needs: [],
    text: `def rms_norm(x, gain=None, *, eps):
    """x / sqrt(mean(x^2) + eps) * gain, over the features; without a gain it is 1."""
    y = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps)
    return y if gain is None else y * gain`,
  },
  causal_conv: {
    needs: [],
    isLeaf: true,
    text: `def causal_conv(inputs, t, weight, bias=None):
    """
    For the last t of inputs [b, start + t, d]: the last inputs of each feature times weight [d, taps], the newest input's last; zeros before
    the first token.
    """
    taps = weight.shape[1]
    padded = functional.pad(inputs, (0, 0, taps - 1, 0))[:, -(t + taps - 1) :]
    y = sum(weight[:, tap] * padded[:, tap : tap + t] for tap in range(taps))
    return y if bias is None else y + bias`,
  },
  turns: {
    needs: [],
    text: `def turns(x, start, dims, theta, scaled=None, **scaling):
    """
    Cosines and sines [t, 1, dims / 2] of position * theta^(-2i / dims) for the tokens of x [b, t, n], taken in double precision. \`scaled\`
    returns other frequencies and a factor of both.
    """
    device = "cpu" if x.device.type == "mps" else x.device  # no doubles there
    frequency, size = theta ** (-torch.arange(0, dims, 2, dtype=torch.float64, device=device) / dims), 1.0
    if scaled is not None:
        frequency, size = globals()[scaled](frequency, theta, **scaling)
    angle = torch.arange(start, start + x.shape[1], dtype=torch.float64, device=device)[:, None, None] * frequency
    kind = torch.promote_types(x.dtype, torch.float32)
    return (size * angle.cos()).to(x.device, kind), (size * angle.sin()).to(x.device, kind)`,
  },
  rope_half: {
    needs: ['turns'],
    isLeaf: true,
    text: `def rope_half(x, start, heads, head_dim, theta):
    """Rotates (i, i + head_dim / 2) of each head of x [b, t, heads * head_dim] by the token's position, from \`start\` on."""
    b, t, _ = x.shape
    cos, sin = turns(x, start, head_dim, theta)
    first, second = x.view(b, t, heads, head_dim).chunk(2, -1)
    turned = torch.cat((first * cos - second * sin, second * cos + first * sin), -1)
    return turned.to(x.dtype).view(b, t, heads * head_dim)`,
  },
  rope_adjacent: {
    needs: ['turns'],
    isLeaf: true,
    text: `def rope_adjacent(x, start, heads, head_dim, theta):
    """Rotates (2i, 2i + 1) of each head of x [b, t, heads * head_dim] by the token's position, from \`start\` on."""
    b, t, _ = x.shape
    cos, sin = turns(x, start, head_dim, theta)
    even, odd = x.view(b, t, heads, head_dim // 2, 2).unbind(-1)
    turned = torch.stack((even * cos - odd * sin, odd * cos + even * sin), -1)
    return turned.to(x.dtype).view(b, t, heads * head_dim)`,
  },
  rope_part: {
    needs: ['turns'],
    isLeaf: true,
    text: `def rope_part(x, start, heads, head_dim, dims, theta, adjacent, scaled=None, **scaling):
    """
    Rotates pairs among the first \`dims\` features of each head of x [b, t, heads * head_dim] by the token's position, from \`start\` on:
    (i, i + dims / 2), or (2i, 2i + 1) where they are adjacent.
    """
    b, t, _ = x.shape
    cos, sin = turns(x, start, dims, theta, scaled, **scaling)
    y = x.view(b, t, heads, head_dim)
    first, second = (y[..., :dims:2], y[..., 1:dims:2]) if adjacent else y[..., :dims].chunk(2, -1)
    turned = torch.stack((first * cos - second * sin, second * cos + first * sin), -1 if adjacent else -2)
    return torch.cat((turned.flatten(-2).to(x.dtype), y[..., dims:]), -1).view(b, t, heads * head_dim)`,
  },
  rope_linear: {
    needs: [],
    text: `def rope_linear(frequency, theta, factor):
    """Position interpolation, arXiv 2306.15595."""
    return frequency / factor, 1.0`,
  },
  rope_llama3: {
    needs: [],
    text: `def rope_llama3(frequency, theta, factor, low_freq_factor, high_freq_factor, original_context):
    """Llama 3.1: pairs that turn seldom within the original context are slowed, those that turn often left, others blended."""
    turns = original_context * frequency / (2 * math.pi)
    left = ((turns - low_freq_factor) / (high_freq_factor - low_freq_factor)).clamp(0, 1)
    return left * frequency + (1 - left) * frequency / factor, 1.0`,
  },
  rope_yarn: {
    needs: [],
    text: `def rope_yarn(frequency, theta, factor, original_context, beta_fast, beta_slow, attention_factor):
    """YaRN, arXiv 2309.00071: between the pairs that turn beta_fast and beta_slow times within the original context, a blend by number."""
    pairs = len(frequency)
    fast, slow = (pairs * math.log(original_context / (2 * math.pi * turns)) / math.log(theta) for turns in (beta_fast, beta_slow))
    first, last = max(math.floor(fast), 0), min(math.ceil(slow), 2 * pairs - 1)
    slowed = ((torch.arange(pairs, dtype=frequency.dtype, device=frequency.device) - first) / (last - first or 0.001)).clamp(0, 1)
    return frequency * (1 - slowed) + frequency / factor * slowed, attention_factor`,
  },
  rope_factors: {
    needs: [],
    text: `def rope_factors(frequency, theta, factors, attention_factor):
    """A factor for each pair, arXiv 2402.13753."""
    return frequency / torch.tensor(factors, dtype=frequency.dtype, device=frequency.device), attention_factor`,
  },
  causal_attention: {
    needs: [],
    isLeaf: true,
    text: `def causal_attention(q, k, v, heads, kv_heads, head_dim, scale):
    """
    Grouped-query attention: q [b, t, heads * head_dim] of the last t tokens, k and v [b, start + t, kv_heads * head_dim] of all ->
    [b, t, heads * head_dim]. Query head h reads KV head h // (heads // kv_heads); a token sees itself and those before it.
    """
    (b, t, _), seen = q.shape, k.shape[1]
    q = q.view(b, t, heads, head_dim).transpose(1, 2)
    k = k.view(b, seen, kv_heads, head_dim).transpose(1, 2).repeat_interleave(heads // kv_heads, 1)
    v = v.view(b, seen, kv_heads, head_dim).transpose(1, 2).repeat_interleave(heads // kv_heads, 1)
    if t == seen:
        mask = {"is_causal": True}
    else:
        mask = {} if t == 1 else {"attn_mask": torch.ones(t, seen, dtype=torch.bool, device=q.device).tril(seen - t)}
    if hasattr(functional, "scaled_dot_product_attention"):  # PyTorch 2; it divides scores by the root of head_dim
        y = functional.scaled_dot_product_attention(q * (scale * head_dim**0.5), k, v, **mask)
    else:
        later = torch.ones(t, seen, dtype=torch.bool, device=q.device).triu(seen - t + 1)
        y = (q @ k.transpose(2, 3) * scale).masked_fill(later, float("-inf")).softmax(-1) @ v
    return y.transpose(1, 2).reshape(b, t, heads * head_dim)`,
  },
  bounded_attention: {
    needs: [],
    isLeaf: true,
    text: `def bounded_attention(q, k, v, heads, kv_heads, head_dim, scale, window=None, softcap=None):
    """
    causal_attention where a token sees the last \`window\` positions, its own among them, and where a score s becomes softcap * tanh(s / softcap).
    """
    (b, t, _), seen = q.shape, k.shape[1]
    q = q.view(b, t, kv_heads, heads // kv_heads, head_dim)
    k = k.view(b, seen, kv_heads, head_dim)
    v = v.view(b, seen, kv_heads, head_dim)
    scores = torch.einsum("bqhgd,bkhd->bhgqk", q, k) * scale
    if softcap is not None:
        scores = softcap * torch.tanh(scores / softcap)
    ahead = torch.arange(seen - t, seen, device=q.device)[:, None] - torch.arange(seen, device=q.device)
    hidden = (ahead < 0) if window is None else (ahead < 0) | (ahead >= window)
    weights = scores.masked_fill(hidden, float("-inf")).softmax(-1)
    return torch.einsum("bhgqk,bkhd->bqhgd", weights, v).reshape(b, t, heads * head_dim)`,
  },
};

/** The modules that PyTorch lacks (RMSNorm before 2.4, a LayerNorm without bias before 2.1). */
export const pythonModules = {
  RMSNorm: `class RMSNorm(nn.Module):
    """rms_norm over the last axis, whose gain is weight + plus."""

    def __init__(self, size, eps, plus=0.0):
        super().__init__()
        self.eps, self.plus = eps, plus
        self.weight = nn.Parameter(torch.full((size,), 1.0 - plus))

    def forward(self, x):
        return rms_norm(x, self.weight + self.plus if self.plus else self.weight, eps=self.eps)`,
  LayerNorm: `class LayerNorm(nn.Module):
    """(x - mean) / sqrt(variance + eps) * weight + bias, over the last axis."""

    def __init__(self, size, eps, bias):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(size))
        self.register_parameter("bias", nn.Parameter(torch.zeros(size)) if bias else None)

    def forward(self, x):
        return functional.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)`,
} as const;
