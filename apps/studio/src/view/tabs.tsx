/**
 * The views as tabs. On a wide screen the code stands beside the others and has no tab. Arrow keys,
 * Home and End move between tabs.
 */
import { computed, signal } from '@preact/signals';
import { problems } from '../version.ts';

export const viewNames = ['code', 'pictures', 'kernels', 'run'] as const;
export type ViewName = (typeof viewNames)[number];

const labels: Readonly<Record<ViewName, string>> = {
  code: 'Code',
  pictures: 'Pictures',
  kernels: 'Kernels',
  run: 'Run',
};

const wide = matchMedia('(min-width: 60rem)');
export const isWide = signal(wide.matches);
wide.addEventListener('change', () => {
  isWide.value = wide.matches;
});

const chosen = signal<ViewName>(isWide.value ? 'pictures' : 'code');
/** The view whose tab is selected. */
const view = computed(() => (isWide.value && chosen.value === 'code' ? 'pictures' : chosen.value));

export function isShown(name: ViewName): boolean {
  return view.value === name || (name === 'code' && isWide.value);
}

export function Tabs() {
  const names = viewNames.filter((name) => !(isWide.value && name === 'code'));
  return (
    <div class="tabs" role="tablist" aria-label="Views" onKeyDown={moveFocus}>
      {names.map((name) => (
        <button
          key={name}
          type="button"
          role="tab"
          id={`tab-${name}`}
          aria-controls={`panel-${name}`}
          aria-selected={view.value === name}
          tabIndex={view.value === name ? 0 : -1}
          onClick={() => (chosen.value = name)}
        >
          {labels[name]}
          {name === 'code' && problems.value.length > 0 && <b>{problems.value.length}</b>}
        </button>
      ))}
    </div>
  );
}

function moveFocus({ key, currentTarget, target }: KeyboardEvent): void {
  const tabs = [...(currentTarget as HTMLElement).querySelectorAll<HTMLElement>('[role=tab]')];
  const at = tabs.indexOf(target as HTMLElement);
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: -1 }[key];
  if (to === undefined) return;
  const next = tabs.at(to % tabs.length)!;
  next.focus();
  next.click();
}
