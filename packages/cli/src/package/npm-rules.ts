/**
 * The names and versions that npm accepts for a new package
 * (https://docs.npmjs.com/cli/configuring-npm/package-json, https://semver.org). They are checked
 * before anything is compiled, because npm would refuse a wrong one only when the package is packed
 * or published.
 */
import { isReserved, modelNameFrom } from '@lamella/dsl/names';
import { LamellaError } from '@lamella/graph/diagnostics';

const longestName = 214;
const longestVersion = 256;

/**
 * Node's own modules that are imported by a plain name. The list is closed: Node gives new modules
 * only names with `node:`. The studio has no Node to read it from.
 */
const modulesOfNode = `assert async_hooks buffer child_process cluster console constants crypto dgram
  diagnostics_channel dns domain events fs http http2 https inspector module net os path
  perf_hooks process punycode querystring readline repl stream string_decoder sys timers tls
  trace_events tty url util v8 vm wasi worker_threads zlib`.split(/\s+/);

/** A name. Its refusal, L303, has the nearest name that npm accepts. */
export function npmName(option: string): (text: string) => string {
  return (text) => {
    if (isNpmName(text)) return text;
    const remedy = text === '' ? 'a name, such as @me/model' : nearestName(text);
    throw new LamellaError('L303', { option, value: quoted(text), remedy });
  };
}

/** The name of a model's package if none is given. npm accepts every model name but capitals. */
export function npmNameOfModel(model: string): string {
  const name = model.toLowerCase();
  return isNpmName(name) ? name : `${name}-model`;
}

/** A version. Its refusal is L303. */
export function npmVersion(option: string): (text: string) => string {
  return (text) => {
    if (isNpmVersion(text)) return text;
    const remedy = 'a version such as 1.2.0 or 1.2.0-beta.1';
    throw new LamellaError('L303', { option, value: quoted(text), remedy });
  };
}

/**
 * Of the names that npm accepts, those are left out that a package cannot be installed or imported
 * by: Windows has no folder `con`, and `import 'fs'` imports Node's module.
 */
export function isNpmName(name: string): boolean {
  const part = '[a-z0-9][a-z0-9._-]*';
  return (
    name.length <= longestName &&
    new RegExp(`^(?:@${part}/)?${part}$`).test(name) &&
    !name.replace('@', '').split('/').some(isReserved) &&
    !modulesOfNode.includes(name)
  );
}

function nearestName(text: string): string {
  const parts = text.split('/').filter((part) => /[a-z0-9]/i.test(part));
  const [scope, name] = parts.slice(-2).map((part) => modelNameFrom(part).toLowerCase());
  return text.startsWith('@') && name ? `@${scope}/${name}` : npmNameOfModel(modelNameFrom(text));
}

/** Semver without the part after `+`, which npm removes when it publishes. */
export function isNpmVersion(version: string): boolean {
  const number = '(?:0|[1-9]\\d*)';
  const identifier = `(?:${number}|\\d*[A-Za-z-][0-9A-Za-z-]*)`;
  const [, core] =
    new RegExp(`^(${number}\\.${number}\\.${number})(?:-${identifier}(?:\\.${identifier})*)?$`).exec(version) ?? [];
  return (
    core !== undefined && version.length <= longestVersion && core.split('.').map(Number).every(Number.isSafeInteger)
  );
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
