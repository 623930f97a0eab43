/**
 * The faces of a package: modules that give a model the interface of a library or standard that
 * apps are written for. Each is one script with its types, imported by a path of its own. No other
 * file of a package imports one, so a face costs nothing where it is not imported.
 */

export interface Face {
  /** Apps import `PACKAGE/NAME`; its files are `NAME.js` and `NAME.d.ts`. */
  readonly name: string;
  /** What it is for, in the package's README. */
  readonly purpose: string;
  /** Whether it needs a tokenizer. */
  readonly text: boolean;
  /** The package that an app with this face has installed, and its versions. */
  readonly peer: readonly [name: string, versions: string] | null;
}

const all: readonly Face[] = [
  {
    name: 'openai',
    purpose: "requests of OpenAI's client, computed on this device: `createOpenAI(model).chat.completions.create(...)`",
    text: true,
    peer: null,
  },
  {
    name: 'react',
    purpose: 'hooks for React: `useModel(load)` and `useGeneration(model)`',
    text: false,
    peer: ['react', '>=18'],
  },
  {
    name: 'prompt-api',
    purpose: 'the Prompt API of browsers: `LanguageModel = createLanguageModel(load)`',
    text: true,
    peer: null,
  },
  {
    name: 'ai-sdk',
    purpose: 'the AI SDK (the package `ai`): `streamText({ model: languageModel(model), prompt })`',
    text: true,
    peer: null,
  },
];

/** The faces of a package with or without a tokenizer. */
export function facesOf({ tokenizer }: { readonly tokenizer: unknown }): readonly Face[] {
  return all.filter(({ text }) => tokenizer || !text);
}
