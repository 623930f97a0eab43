/** The module that `package-texts.ts` of the build makes. */
declare module 'virtual:package-texts' {
  import type { Script } from 'lamella/write-package';

  const texts: {
    readonly bundles: readonly Script[];
    readonly faces: Readonly<Record<string, { readonly script: Script; readonly types: string }>>;
    readonly apiTypes: string;
  };
  export default texts;
}
