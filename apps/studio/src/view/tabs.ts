/** The views as tabs. On a wide screen the code stands beside the others and has no tab of its own, which is the style sheet's doing. */

export type ViewName = 'code' | 'pictures' | 'kernels' | 'run';

const names: readonly ViewName[] = ['code', 'pictures', 'kernels', 'run'];

/** Arrow keys, Home and End go through the tabs; `onShow` is called when another one is shown. */
export function openTabs(first: ViewName, onShow: (name: ViewName) => void): (name: ViewName) => void {
  const tabs = names.map((name) => document.querySelector<HTMLButtonElement>(`#tab-${name}`)!);
  const show = (shown: ViewName) => {
    document.body.dataset.view = shown;
    tabs.forEach((tab, i) => {
      const selected = names[i] === shown;
      tab.setAttribute('aria-selected', String(selected));
      tab.tabIndex = selected ? 0 : -1;
    });
    onShow(shown);
  };
  tabs.forEach((tab, i) => {
    tab.onclick = () => show(names[i]!);
    tab.onkeydown = ({ key }) => {
      const shown = tabs.filter((each) => each.offsetParent !== null);
      const at = shown.indexOf(tab);
      const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: -1 }[key];
      if (to === undefined) return;
      const next = shown.at(to % shown.length)!;
      next.focus();
      next.click();
    };
  });
  show(first);
  return show;
}
