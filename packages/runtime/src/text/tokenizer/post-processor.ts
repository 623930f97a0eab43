/**
 * The ids that a tokenizer adds before and after every text: the `post_processor` of
 * `tokenizer.json`. (Pairs of texts and the offsets of tokens are not used.)
 */
import { allow, array, isId, type Makers, make, makeAll, type Part, partOf, refuse } from './part.ts';

export interface Added {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

const nothing: Added = { before: [], after: [] };

const makers: Makers<Added> = {
  Sequence: (part, depth) =>
    makeAll(part, 'processors', makers, depth).reduce(
      (inner, outer) => ({ before: [...outer.before, ...inner.before], after: [...inner.after, ...outer.after] }),
      nothing,
    ),
  ByteLevel: (part) => {
    allow(part, 'add_prefix_space', 'trim_offsets', 'use_regex');
    return nothing;
  },
  TemplateProcessing: template,
  BertProcessing: (part) => {
    allow(part, 'sep', 'cls');
    return ends(part);
  },
  RobertaProcessing: (part) => {
    allow(part, 'sep', 'cls', 'trim_offsets', 'add_prefix_space');
    return ends(part);
  },
};

/** The ids that the post-processor under `post_processor` adds; null adds none. */
export function addedBy(value: unknown): Added {
  return value === null || value === undefined ? nothing : make(value, 'post_processor', makers);
}

function template(part: Part): Added {
  allow(part, 'single', 'pair', 'special_tokens');
  const special = partOf(part.json.special_tokens ?? {}, `${part.at}.special_tokens`);
  const idsOf = (name: unknown): readonly number[] => {
    const entry = typeof name === 'string' ? special.json[name] : undefined;
    const ids = entry === undefined ? undefined : partOf(entry, special.at).json.ids;
    if (Array.isArray(ids) && ids.every(isId)) return ids;
    return refuse(special.at, `${JSON.stringify(name)} has no ids there`);
  };
  let before: number[] | null = null;
  let ids: number[] = [];
  array(part, 'single').forEach((value, i) => {
    const piece = partOf(value, `${part.at}.single[${i}]`);
    if ('SpecialToken' in piece.json) {
      ids.push(...idsOf(partOf(piece.json.SpecialToken, piece.at).json.id));
      return;
    }
    if (partOf(piece.json.Sequence, piece.at).json.id !== 'A' || before)
      refuse(part.at, 'single does not contain the text exactly once');
    before = ids;
    ids = [];
  });
  return before ? { before, after: ids } : refuse(part.at, 'single does not contain the text exactly once');
}

function ends(part: Part): Added {
  const id = (key: string): number => {
    const value = array(part, key)[1];
    return isId(value) ? value : refuse(part.at, `${key} has no id`);
  };
  return { before: [id('cls')], after: [id('sep')] };
}
