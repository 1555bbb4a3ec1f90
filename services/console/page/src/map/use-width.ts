/** How wide an element is. */
import { type RefCallback, useCallback, useState } from 'react';

/** @returns what to give the element as its `ref`, and its width in px: 0 until it is there */
export function useWidth(): readonly [RefCallback<Element>, number] {
  const [width, setWidth] = useState(0);
  const ref = useCallback((element: Element | null) => {
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}
