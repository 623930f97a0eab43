/**
 * Runs in the page that measures: asks the server for orders, one after the other, and answers
 * each. `page-host.ts` bundles it; nothing here may need Node.
 */
import type { LoadOptions, Model } from '@lamella/runtime/api';
import { readSpeeds } from '../profile/read-speed.ts';
import type { Failure } from '../serve/protocol.ts';
import { measured } from './host.ts';
import type { Answer, Order, Request, Shown } from './orders.ts';

/** The source of this module, which the server bundles. */
export const pageSource = import.meta.url;

const models = new Map<number, Model>();

/** Takes orders until the server has gone. */
export async function takeOrders(): Promise<void> {
  const visit = Array.from(crypto.getRandomValues(new Uint32Array(2))).join();
  const post = (request: Omit<Request, 'visit'>) => JSON.stringify({ visit, ...request } satisfies Request);
  addEventListener('pagehide', () => navigator.sendBeacon('orders', post({ answer: null, leaves: true })));
  // A phone that locks its screen stops the page.
  await navigator.wakeLock?.request('screen').catch(() => {});
  show({ line: 'connected', share: 0 });
  let answer: Answer | null = null;
  for (;;) {
    const response = await fetch('orders', { method: 'POST', body: post({ answer }) }).catch(() => null);
    if (!response?.ok) return ended();
    answer = null;
    // There is nothing to do yet.
    if (response.status === 204) continue;
    const order = (await response.json()) as Order;
    answer = await perform(order).then(
      (value): Answer => ({ id: order.id, value }),
      (cause: unknown): Answer => ({ id: order.id, failed: failureOf(cause) }),
    );
  }
}

/** The failure of an order. The classes of errors differ between a page's packages, so members count. */
function failureOf(cause: unknown): Failure {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const { code = null, remedy = '', place = null } = error as Partial<Failure>;
  return { message: error.message, stack: error.stack ?? '', code, remedy, place, args: {} };
}

async function perform(order: Order): Promise<unknown> {
  switch (order.kind) {
    case 'about':
      return about();
    case 'reads':
      return readSpeeds(order.work);
    case 'open': {
      // Files of an earlier load would make this one faster than a first visit.
      if ('caches' in globalThis) for (const key of await caches.keys()) await caches.delete(key);
      const index = new URL(`${order.package}/index.js`, location.href).href;
      const { load } = (await import(/* @vite-ignore */ index)) as {
        load(url: string | undefined, options: LoadOptions): Promise<Model>;
      };
      const start = performance.now();
      const model = await load(undefined, order.on);
      const loadMs = performance.now() - start;
      models.set(order.subject, model);
      return { manifest: model.manifest, running: model.running, loadMs };
    }
    case 'run':
      return measured(models.get(order.subject)!, order.work);
    case 'close':
      models.get(order.subject)?.dispose();
      models.delete(order.subject);
      return null;
    case 'show':
      show(order.shown);
      return null;
    default:
      return order satisfies never;
  }
}

/** The browser's description of the device. Only Chromium has one apart from its user agent. */
async function about() {
  const cores = navigator.hardwareConcurrency;
  const { userAgentData } = navigator as Navigator & { readonly userAgentData?: UserAgentData };
  const data = await userAgentData?.getHighEntropyValues(['model', 'platformVersion', 'fullVersionList']);
  if (!data) return { device: deviceIn(navigator.userAgent), engine: navigator.userAgent, cores };
  const { model, platform, platformVersion, fullVersionList = [] } = data;
  const system = [platform, platformVersion].filter(Boolean).join(' ');
  const brands = fullVersionList.filter(({ brand }) => !/not.*brand/i.test(brand));
  return {
    device: model ? `${model}, ${system}` : system,
    engine: brands.map(({ brand, version }) => `${brand} ${version}`).join(', ') || navigator.userAgent,
    cores,
  };
}

/** The first part of a user agent in parentheses: `iPhone; CPU iPhone OS 18_1 like Mac OS X`. */
function deviceIn(userAgent: string): string {
  return /\(([^)]*)\)/.exec(userAgent)?.[1] ?? userAgent;
}

interface UserAgentData {
  getHighEntropyValues(hints: readonly string[]): Promise<{
    readonly model?: string;
    readonly platform: string;
    readonly platformVersion?: string;
    readonly fullVersionList?: readonly { readonly brand: string; readonly version: string }[];
  }>;
}

function show({ line, share, result = '' }: Shown): void {
  document.querySelector('p')!.textContent = line;
  document.querySelector('progress')!.value = share;
  document.querySelector('pre')!.textContent = result;
}

/** The command has ended, with or without a result. */
function ended(): void {
  const done = document.querySelector('pre')!.textContent !== '';
  document.querySelector('p')!.textContent = done ? 'done; the terminal has the result too' : 'the command has ended';
}
