/** The stages of a compilation that can be printed, in order, for `lamella compile --emit`. A file of its own: who lists them compiles nothing. */
export const stages = ['graph', 'fused', 'plan', 'loops', 'wat', 'wgsl'] as const;
export type Stage = (typeof stages)[number];
