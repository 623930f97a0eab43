/**
 * Markup as values. Whatever is put into a template is escaped unless it is markup already, so a model's or a tensor's name can never become
 * any. A page and its parts are made of nothing else.
 */

/** A piece of markup. */
export interface Html {
  readonly markup: string;
}

type Part = Html | readonly Html[] | string | number;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Tag of a template: `` html`<p>${name}</p>` ``. Text is escaped, markup and lists of markup are put in as they are. */
export function html(parts: TemplateStringsArray, ...values: readonly Part[]): Html {
  return { markup: parts.map((part, i) => (i === 0 ? part : `${markupOf(values[i - 1]!)}${part}`)).join('') };
}

export const nothing: Html = { markup: '' };

/** A dotted or joined name that may be broken behind its signs, where a column is narrow. */
export function breakable(name: string): Html {
  const parts = name.split(/(?<=[._+])/);
  return html`${parts.map((part, i) => (i === 0 ? html`${part}` : html`<wbr>${part}`))}`;
}

function markupOf(value: Part): string {
  if (typeof value === 'string') return value.replace(/[&<>"']/g, (sign) => entities[sign]!);
  if (typeof value === 'number') return String(value);
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('');
}
