/** The models of this repository, as they are: what is in `graphs/` when the studio is built can be opened and changed. */

const files = import.meta.glob<string>('../../../graphs/*.ts', { query: '?raw', import: 'default', eager: true });

export interface Template {
  /** As authors call it from the repository's root: `graphs/assistant.ts`. */
  readonly file: string;
  readonly source: string;
}

export const templates: readonly Template[] = Object.entries(files).map(([path, source]) => ({
  file: path.slice(path.indexOf('graphs/')),
  source,
}));

/** What is opened first: weight sharing is what there is to see. */
export const first = templates.find(({ file }) => file.endsWith('mobilellm-125m-ls.ts')) ?? templates[0]!;
