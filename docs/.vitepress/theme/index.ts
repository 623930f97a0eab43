/**
 * VitePress's theme without its web font (the system's fonts need no request), and with a home page
 * inside a `main` element, which a screen reader can jump to.
 */
import { Content, type Theme as ThemeType } from 'vitepress';
import Theme, { VPHomeFeatures, VPHomeHero } from 'vitepress/theme-without-fonts';
import { h } from 'vue';
import { LiveApp } from './live-app.ts';
import './style.css';

const start = () =>
  h('main', { class: 'start-page' }, [h(VPHomeHero), h('div', { class: 'vp-doc' }, h(Content)), h(VPHomeFeatures)]);

export default {
  extends: Theme,
  enhanceApp: ({ app }) => {
    app.component('start', start);
    app.component('LiveApp', LiveApp);
  },
} satisfies ThemeType;
