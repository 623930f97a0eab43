/** Shows markup made by packages/report, which escapes every text in it. */
import { useLayoutEffect, useRef } from 'preact/hooks';

interface MarkupProps {
  readonly id: string;
  readonly markup: string;
  /** Called with the element after the markup has been inserted. */
  readonly onShown?: (element: HTMLElement) => void;
}

/** Replaces the previous markup; parts that the reader has unfolded stay unfolded. */
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
