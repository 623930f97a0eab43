/**
 * The studio: a model in an editor, and beside it the compiler's result for every version of it.
 * The compiler, the type checker and a run each have their own worker. The page is the whole
 * studio; only `lamella dev` adds a server, which connects it to a file.
 */
import { style } from '@lamella/report/style';
import { effect } from '@preact/signals';
import { render } from 'preact';
import './style/style.css';
import { sharedIn } from './document/share.ts';
import { connect, isLive } from './live/live.ts';
import { first } from './templates.ts';
import { open, openHeld, picture } from './version.ts';
import { App } from './view/app.tsx';

// Before the studio's own style sheet, which overrides a few rules.
document.head.prepend(Object.assign(document.createElement('style'), { textContent: style }));
render(<App />, document.getElementById('app')!);
const shared = isLive ? null : await sharedIn(location.href);
if (isLive) connect();
else if (shared) openHeld(shared);
else open(first);
effect(() => {
  if (picture.value) document.title = `${picture.value.name} · Lamella studio`;
});
