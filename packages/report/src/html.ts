/**
 * Markup as values. Every value in a template is escaped unless it is markup already, so the name
 * of a model or tensor cannot become markup. Pages and their parts are built only with this.
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

/**
 * Tag of a template: `` html`<p>${name}</p>` ``. Text is escaped; markup and lists of markup are
 * inserted unchanged.
 */
export function html(parts: TemplateStringsArray, ...values: readonly Part[]): Html {
  return { markup: parts.map((part, i) => (i === 0 ? part : `${markupOf(values[i - 1]!)}${part}`)).join('') };
}

export const nothing: Html = { markup: '' };

/** A dotted or joined name that may be broken after its signs in a narrow column. */
export function breakable(name: string): Html {
  const parts = name.split(/(?<=[._+])/);
  return html`${parts.map((part, i) => (i === 0 ? html`${part}` : html`<wbr>${part}`))}`;
}

function markupOf(value: Part): string {
  if (typeof value === 'string') return value.replace(/[&<>"']/g, (sign) => entities[sign]!);
  if (typeof value === 'number') return String(value);
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('');
}
