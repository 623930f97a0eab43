/**
 * Adds `Symbol.dispose` to a model, for `using model = await load()`. Engines without the symbol
 * may have it added before the package is loaded.
 */
import type { Model } from '../api.ts';

export function disposable(model: Omit<Model, typeof Symbol.dispose>): Model {
  // Older engines have no such symbol, although the types say so.
  if (Symbol.dispose) Object.defineProperty(model, Symbol.dispose, { value: model.dispose });
  return model as Model;
}
