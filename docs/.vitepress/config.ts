/**
 * The documentation site: static, below any path of any server if BASE names the path, with a local
 * search and without a request to another server.
 */
import { defineConfig } from 'vitepress';
import { repositoryLinks } from '../build/repository-links.ts';

export default defineConfig({
  title: 'Lamella',
  description: 'A TypeScript compiler for deep-and-thin transformers',
  lang: 'en',
  base: process.env.BASE ?? '/',
  cacheDir: '.vitepress/.cache/vite',
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  markdown: {
    config: repositoryLinks,
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
  },
  // the built apps, which `build/live.ts` copies
  vite: { publicDir: '.vitepress/.cache/public' },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Start', link: '/start/ml' },
      { text: 'Guides', link: '/authoring' },
      { text: 'Reference', link: '/reference/dsl' },
      { text: 'Live', link: '/live' },
    ],
    sidebar: [
      {
        text: 'Start in five minutes',
        items: [
          { text: 'ML engineer', link: '/start/ml' },
          { text: 'Web developer', link: '/start/web' },
          { text: 'Mobile developer', link: '/start/mobile' },
        ],
      },
      {
        text: 'Guides',
        items: [
          { text: 'From a base graph to a variant', link: '/authoring' },
          { text: 'The language', link: '/language' },
          { text: 'Commands', link: '/commands' },
          { text: 'From TypeScript', link: '/api' },
          { text: 'Released checkpoints', link: '/checkpoints' },
          { text: 'A package in an app', link: '/embedding' },
          { text: 'Generating', link: '/generating' },
          { text: 'React and other libraries', link: '/faces' },
          { text: 'Serving a model', link: '/serving' },
          { text: 'Loading a package', link: '/loading' },
          { text: 'Adding a model family', link: '/models' },
          { text: 'Formats and decisions', link: '/decisions' },
          { text: 'Working on Lamella', link: '/contributing' },
        ],
      },
      {
        text: 'Reference',
        items: [
          { text: 'The DSL', link: '/reference/dsl' },
          { text: 'The command line', link: '/reference/cli' },
          { text: 'The TypeScript API', link: '/reference/api' },
          { text: 'The package', link: '/reference/runtime' },
          { text: 'Diagnostics', link: '/reference/diagnostics' },
        ],
      },
      {
        text: 'See',
        items: [
          { text: 'Performance', link: '/performance' },
          { text: 'Live', link: '/live' },
        ],
      },
    ],
  },
});
