/**
 * The models of this repository: every file in `graphs/` at the time of the build can be opened and
 * changed.
 */

const files = import.meta.glob<string>('../../../graphs/*.ts', { query: '?raw', import: 'default', eager: true });

export interface Template {
  /** The path from the repository's root: `graphs/assistant.ts`. */
  readonly file: string;
  readonly source: string;
}

export const templates: readonly Template[] = Object.entries(files).map(([path, source]) => ({
  file: path.slice(path.indexOf('graphs/')),
  source,
}));

/** Opened first, because it shows weight sharing. */
export const first = templates.find(({ file }) => file.endsWith('mobilellm-125m-ls.ts')) ?? templates[0]!;
