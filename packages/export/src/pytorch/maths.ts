/**
 * The maths of the exported module, by hand in simple tensor operations. It shares nothing with the kernels or the oracle, so that
 * agreement between them means something. Works on PyTorch 1.13 and 2.x, on any device, and is differentiable.
 *
 * RMSNorm: arXiv 1910.07467. RoPE: arXiv 2104.09864. Grouped-query attention: arXiv 2305.13245. Element-wise functions are one expression each,
 * in the table of the graph (`graph/src/functions.ts`).
 */

/** One Python function of the exported file, and the names of those it needs. */
export interface PythonFunction {
  readonly needs: readonly PythonName[];
  readonly text: string;
}

export type PythonName =
  | 'embed'
  | 'linear'
  | 'rms_norm'
  | 'head_norm'
  | 'rope_table'
  | 'rope_half'
  | 'rope_adjacent'
  | 'causal_attention';

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
    """x / sqrt(mean(x^2) + eps) * gain, over the features."""
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * gain`,
  },
  head_norm: {
    needs: ['rms_norm'],
    text: `def head_norm(x, gain, heads, eps):
    """rms_norm of each head of x [b, t, heads * head_dim], with one gain [head_dim] for all."""
    b, t, _ = x.shape
    return rms_norm(x.view(b, t, heads, -1), gain, eps).view(b, t, -1)`,
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
    return torch.cat((first * cos - second * sin, second * cos + first * sin), -1).view(b, t, heads * head_dim)`,
  },
  rope_adjacent: {
    needs: ['rope_table'],
    text: `def rope_adjacent(x, heads, head_dim, theta):
    """Rotates (2i, 2i + 1) of each head of x [b, t, heads * head_dim] by the token's position."""
    b, t, _ = x.shape
    cos, sin = rope_table(t, head_dim, theta, x.device)
    even, odd = x.view(b, t, heads, head_dim // 2, 2).unbind(-1)
    return torch.stack((even * cos - odd * sin, odd * cos + even * sin), -1).view(b, t, heads * head_dim)`,
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
    later = torch.ones(t, t, dtype=torch.bool, device=q.device).triu(1)
    weights = (q @ k.transpose(2, 3) * scale).masked_fill(later, float("-inf")).softmax(-1)
    return (weights @ v).transpose(1, 2).reshape(b, t, heads * head_dim)`,
  },
};
