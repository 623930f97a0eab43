/**
 * The studio: a model in an editor, and beside it the compiler's result for every version of it.
 * The compiler, the type checker and a run each have their own worker. There is no server: this
 * page is the whole studio.
 */
import { style } from '@lamella/report/style';
import { effect } from '@preact/signals';
import { render } from 'preact';
import './style/style.css';
import { first } from './templates.ts';
import { openTemplate, picture } from './version.ts';
import { App } from './view/app.tsx';

// Before the studio's own style sheet, which overrides a few rules.
document.head.prepend(Object.assign(document.createElement('style'), { textContent: style }));
render(<App />, document.getElementById('app')!);
openTemplate(first);
effect(() => {
  if (picture.value) document.title = `${picture.value.name} · Lamella studio`;
});
