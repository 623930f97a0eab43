/**
 * The stages that `lamella compile --emit` can print, in order. A separate file, so that listing
 * them does not load the compiler.
 */
export const stages = ['graph', 'fused', 'plan', 'loops', 'wat', 'wgsl'] as const;
export type Stage = (typeof stages)[number];
