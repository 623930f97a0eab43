/** Calls of tools as JSON: an object, or a list of objects. */

/** A call that a model wrote. */
export interface Call {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** The calls in a text that is JSON as a whole; null if it is no JSON or not only calls. */
export function callsInJson(text: string): readonly Call[] | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const calls = (Array.isArray(json) ? json : [json]).map(callOf);
  return calls.length > 0 && calls.every((call) => call !== null) ? calls : null;
}

/** The member of the arguments is `arguments`, or `parameters` as Llama 3 writes it. */
function callOf(value: unknown): Call | null {
  if (!isObject(value)) return null;
  if (isObject(value.function)) return callOf(value.function);
  const { name, arguments: given = value.parameters ?? {} } = value;
  const args = typeof given === 'string' ? parsed(given) : given;
  return typeof name === 'string' && name !== '' && isObject(args) ? { name, arguments: args } : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
