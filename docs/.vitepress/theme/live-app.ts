/** One of the built apps in a frame, with a link that opens it as a page of its own. */
import { withBase } from 'vitepress';
import { type FunctionalComponent, h } from 'vue';

export const LiveApp: FunctionalComponent<{ name: string; title: string }> = ({ name, title }) => {
  const address = withBase(`/live/${name}/index.html`);
  return [
    h('p', h('a', { href: address, target: '_self' }, `Open ${title.toLowerCase()} as a page`)),
    h('iframe', { class: 'live', src: address, title, loading: 'lazy' }),
  ];
};
LiveApp.props = ['name', 'title'];
