/**
 * Tensors that the user declares superfluous with `--ignore PATTERN`: checkpoints of older programs
 * store masks and tables that a model computes itself. Names decide, because a mask and a bias may
 * have equal shapes.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { shown } from './excerpt.ts';

/** The names and what `isNeeded` says of them. */
interface Names {
  /** The checkpoint. */
  readonly spec: string;
  readonly names: readonly string[];
  /** Whether the model has a weight of this name. */
  readonly isNeeded: (name: string) => boolean;
}

/**
 * The names that match one of `patterns`, in which `*` stands for any characters. Throws L305 for a
 * pattern that matches no name, or the name of a tensor that the model needs.
 */
export function ignoredNames(patterns: readonly string[], { spec, names, isNeeded }: Names): ReadonlySet<string> {
  const ignored = new Set<string>();
  for (const pattern of patterns) {
    const matching = names.filter(matches(pattern));
    const needed = matching.find(isNeeded);
    const refuse = (reason: string, remedy: string) =>
      new LamellaError('L305', { option: `--ignore ${quoted(shown(pattern))}`, reason, remedy });
    if (matching.length === 0) throw refuse(`no tensor of ${spec} has such a name`, 'leaving it out');
    if (needed !== undefined) throw refuse(`the model needs ${shown(needed)}`, 'a longer pattern');
    for (const name of matching) ignored.add(name);
  }
  return ignored;
}

/**
 * The options that ignore exactly `superfluous`: a pattern with `*` for numbers, or the names
 * themselves where that pattern matches a tensor that the model needs.
 */
export function ignoring(superfluous: readonly string[], needed: readonly string[]): string {
  const patterns = superfluous.map((name) => {
    const pattern = name.replace(/\d+/g, '*');
    return needed.some(matches(pattern)) ? name : pattern;
  });
  return [...new Set(patterns)].map((pattern) => `--ignore ${quoted(pattern)}`).join(' ');
}

function matches(pattern: string): (name: string) => boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  const whole = new RegExp(`^${parts.join('.*')}$`, 's');
  return (name) => whole.test(name);
}

/** For a shell, in which `*` stands for files. */
function quoted(pattern: string): string {
  return `'${pattern.replaceAll("'", "'\\''")}'`;
}
