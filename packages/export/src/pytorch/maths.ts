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
}

export type PythonName =
  | 'embed'
  | 'linear'
  | 'rms_norm'
  | 'head_norm'
  | 'layer_norm'
  | 'causal_conv'
  | 'rope_table'
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
  embed: {
    needs: [],
    text: `def embed(ids, table):
    """Rows of table [vocab, d] at ids [b, t] -> [b, t, d]."""
    return table[ids]`,
  },
  linear: {
    needs: [],
    text: `def linear(x, weight, bias=None):
    """x [b, t, in], weight [out, in], bias [out] -> [b, t, out]."""
    y = x @ weight.t()
    return y if bias is None else y + bias`,
  },
  rms_norm: {
    needs: [],
    text: `def rms_norm(x, gain, eps):
    """x / sqrt(mean(x^2) + eps) * gain, over the features; without a gain it is 1."""
    y = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps)
    return y if gain is None else y * gain`,
  },
  head_norm: {
    needs: ['rms_norm'],
    text: `def head_norm(x, gain, heads, eps):
    """rms_norm of each head of x [b, t, heads * head_dim], with one gain [head_dim] for all."""
    b, t, _ = x.shape
    return rms_norm(x.view(b, t, heads, -1), gain, eps).view(b, t, -1)`,
  },
  layer_norm: {
    needs: [],
    text: `def layer_norm(x, gain, bias=None, *, eps):
    """(x - mean) / sqrt(variance + eps) * gain + bias, over the features."""
    x = x - x.mean(-1, keepdim=True)
    x = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * gain
    return x if bias is None else x + bias`,
  },
  causal_conv: {
    needs: [],
    text: `def causal_conv(x, weight, bias=None):
    """The last inputs of each feature of x [b, t, d] times weight [d, taps], the newest input's last; zeros before the first token."""
    (b, t, d), taps = x.shape, weight.shape[1]
    padded = torch.cat((x.new_zeros(b, taps - 1, d), x), 1)
    y = sum(weight[:, tap] * padded[:, tap : tap + t] for tap in range(taps))
    return y if bias is None else y + bias`,
  },
  rope_table: {
    needs: [],
    text: `@lru_cache(maxsize=256)
def rope_table(t, head_dim, theta, device):
    """Cosines and sines [t, 1, head_dim / 2] of position * theta^(-2i / head_dim), taken in double precision."""
    frequency = theta ** (-torch.arange(0, head_dim, 2, dtype=torch.float64) / head_dim)
    angle = torch.arange(t, dtype=torch.float64)[:, None, None] * frequency
    return angle.cos().float().to(device), angle.sin().float().to(device)`,
  },
  rope_half: {
    needs: ['rope_table'],
    text: `def rope_half(x, heads, head_dim, theta):
    """Rotates (i, i + head_dim / 2) of each head of x [b, t, heads * head_dim] by the token's position."""
    b, t, _ = x.shape
    cos, sin = rope_table(t, head_dim, theta, x.device)
    first, second = x.view(b, t, heads, head_dim).chunk(2, -1)
    turned = torch.cat((first * cos - second * sin, second * cos + first * sin), -1)
    return turned.to(x.dtype).view(b, t, heads * head_dim)`,
  },
  rope_adjacent: {
    needs: ['rope_table'],
    text: `def rope_adjacent(x, heads, head_dim, theta):
    """Rotates (2i, 2i + 1) of each head of x [b, t, heads * head_dim] by the token's position."""
    b, t, _ = x.shape
    cos, sin = rope_table(t, head_dim, theta, x.device)
    even, odd = x.view(b, t, heads, head_dim // 2, 2).unbind(-1)
    turned = torch.stack((even * cos - odd * sin, odd * cos + even * sin), -1)
    return turned.to(x.dtype).view(b, t, heads * head_dim)`,
  },
  rope_part: {
    needs: [],
    text: `def rope_part(x, heads, head_dim, dims, theta, adjacent, scaled=None, **scaling):
    """
    Rotates pairs among the first \`dims\` features of each head of x [b, t, heads * head_dim] by the token's position: (i, i + dims / 2), or
    (2i, 2i + 1) where they are adjacent. \`scaled\` changes their frequencies, and says what cosines and sines are multiplied by.
    """
    b, t, _ = x.shape
    frequency, size = theta ** (-torch.arange(0, dims, 2, dtype=torch.float64) / dims), 1.0
    if scaled is not None:
        frequency, size = scaled(frequency, theta, **scaling)
    angle = torch.arange(t, dtype=torch.float64)[:, None, None] * frequency
    cos, sin = (size * angle.cos()).to(x), (size * angle.sin()).to(x)
    x = x.view(b, t, heads, head_dim)
    first, second = (x[..., :dims:2], x[..., 1:dims:2]) if adjacent else x[..., :dims].chunk(2, -1)
    turned = torch.stack((first * cos - second * sin, second * cos + first * sin), -1 if adjacent else -2)
    return torch.cat((turned.flatten(-2), x[..., dims:]), -1).view(b, t, heads * head_dim)`,
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
    turns = original_context * frequency / (2 * torch.pi)
    left = ((turns - low_freq_factor) / (high_freq_factor - low_freq_factor)).clamp(0, 1)
    return left * frequency + (1 - left) * frequency / factor, 1.0`,
  },
  rope_yarn: {
    needs: [],
    text: `def rope_yarn(frequency, theta, factor, original_context, beta_fast, beta_slow, attention_factor):
    """YaRN, arXiv 2309.00071: between the pairs that turn beta_fast and beta_slow times within the original context, a blend by number."""
    pairs = len(frequency)
    turns = torch.tensor([beta_fast, beta_slow], dtype=torch.float64)
    at = pairs * (original_context / (2 * torch.pi * turns)).log() / torch.tensor(theta, dtype=torch.float64).log()
    first, last = max(at[0].floor().item(), 0), min(at[1].ceil().item(), 2 * pairs - 1)
    slowed = ((torch.arange(pairs, dtype=torch.float64) - first) / (last - first or 0.001)).clamp(0, 1)
    return frequency * (1 - slowed) + frequency / factor * slowed, attention_factor`,
  },
  rope_factors: {
    needs: [],
    text: `def rope_factors(frequency, theta, factors, attention_factor):
    """A factor for each pair, arXiv 2402.13753."""
    return frequency / torch.tensor(factors, dtype=torch.float64), attention_factor`,
  },
  causal_attention: {
    needs: [],
    text: `def causal_attention(q, k, v, heads, kv_heads, head_dim, scale):
    """
    Grouped-query attention: q [b, t, heads * head_dim], k and v [b, t, kv_heads * head_dim] -> [b, t, heads * head_dim].
    Query head h reads KV head h // (heads // kv_heads); a token sees itself and those before it.
    """
    b, t, _ = q.shape
    q = q.view(b, t, heads, head_dim).transpose(1, 2)
    k = k.view(b, t, kv_heads, head_dim).transpose(1, 2).repeat_interleave(heads // kv_heads, 1)
    v = v.view(b, t, kv_heads, head_dim).transpose(1, 2).repeat_interleave(heads // kv_heads, 1)
    if hasattr(functional, "scaled_dot_product_attention"):  # PyTorch 2; it divides scores by the root of head_dim
        y = functional.scaled_dot_product_attention(q * (scale * head_dim**0.5), k, v, is_causal=True)
    else:
        later = torch.ones(t, t, dtype=torch.bool, device=q.device).triu(1)
        y = (q @ k.transpose(2, 3) * scale).masked_fill(later, float("-inf")).softmax(-1) @ v
    return y.transpose(1, 2).reshape(b, t, heads * head_dim)`,
  },
  bounded_attention: {
    needs: [],
    text: `def bounded_attention(q, k, v, heads, kv_heads, head_dim, scale, window=None, softcap=None):
    """
    causal_attention where a token sees the last \`window\` positions, its own among them, and where a score s becomes softcap * tanh(s / softcap).
    """
    b, t, _ = q.shape
    q = q.view(b, t, kv_heads, heads // kv_heads, head_dim)
    k = k.view(b, t, kv_heads, head_dim)
    v = v.view(b, t, kv_heads, head_dim)
    scores = torch.einsum("bqhgd,bkhd->bhgqk", q, k) * scale
    if softcap is not None:
        scores = softcap * torch.tanh(scores / softcap)
    ahead = torch.arange(t, device=q.device)[:, None] - torch.arange(t, device=q.device)
    hidden = (ahead < 0) if window is None else (ahead < 0) | (ahead >= window)
    weights = scores.masked_fill(hidden, float("-inf")).softmax(-1)
    return torch.einsum("bhgqk,bkhd->bqhgd", weights, v).reshape(b, t, heads * head_dim)`,
  },
};
