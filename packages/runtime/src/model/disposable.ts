/** `using model = await load()`: for engines that know it, or are taught it before the package is loaded. */
import type { Model } from '../face.ts';

export function disposable(model: Omit<Model, typeof Symbol.dispose>): Model {
  // Elsewhere there is no such symbol, whatever the types say.
  if (Symbol.dispose) Object.defineProperty(model, Symbol.dispose, { value: model.dispose });
  return model as Model;
}
