/** The page around the pictures: one file with its style inside, without scripts or requests. */
import { type Html, html } from './html.ts';
import { style } from './style.ts';

export interface Section {
  /** The fragment of the section's address in the page. */
  readonly id: string;
  readonly title: string;
  /** A sentence that explains the picture. */
  readonly lead: string;
  readonly body: Html;
}

/** Whether a file that begins like this is such a page. */
export function isReport(beginning: string): boolean {
  return beginning.startsWith('<!doctype html>') && / · Lamella<\/title>/.test(beginning);
}

/** A whole document. `facts` are the figures at its top. */
export function page(
  name: string,
  subtitle: string,
  facts: readonly (readonly [string, string])[],
  sections: readonly Section[],
): string {
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${name} · Lamella</title>
<style>${{ markup: style }}</style>
</head>
<body>
<div class="report">
<header>
<h1>${name}</h1>
<p class="lead">${subtitle}</p>
${factList(facts)}
<nav aria-label="Sections"><ul>${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
</header>
<main>
${sections.map(sectionMarkup)}</main>
<footer><p>Written by Lamella from the plan of this model. Nothing on this page was measured.</p></footer>
</div>
</body>
</html>
`;
  return document.markup;
}

/** Figures in a row, each with its name. */
export function factList(facts: readonly (readonly [string, string])[]): Html {
  return html`<dl class="facts">${facts.map(([term, figure]) => html`<div><dt>${term}</dt><dd>${figure}</dd></div>`)}</dl>`;
}

/** A section with its heading. */
export function sectionMarkup({ id, title, lead, body }: Section): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
<p class="lead">${lead}</p>
${body}
</section>
`;
}
