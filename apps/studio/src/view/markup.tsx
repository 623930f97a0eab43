/** Markup that packages/report made, which escapes every text in it. */
import { useLayoutEffect, useRef } from 'preact/hooks';

interface MarkupProps {
  readonly id: string;
  readonly markup: string;
  /** Called with the element when the markup has been put in. */
  readonly onShown?: (element: HTMLElement) => void;
}

/** Replaces the markup before it; what a reader has unfolded there stays unfolded. */
export function Markup({ id, markup, onShown }: MarkupProps) {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const into = element.current!;
    const open = [...into.querySelectorAll('details')].map((each) => each.open);
    into.innerHTML = markup;
    into.querySelectorAll('details').forEach((each, i) => {
      each.open = open[i] ?? false;
    });
    onShown?.(into);
  }, [markup]);
  return <div class="report" id={id} ref={element} />;
}
