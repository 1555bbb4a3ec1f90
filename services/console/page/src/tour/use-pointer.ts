/** Frames the part of the page that a step talks about, and brings it into sight. */
import { useEffect } from 'react';

const ATTRIBUTE = 'data-tour-now';

export function usePointer(target: string): void {
  useEffect(() => {
    const element = document.querySelector(`[data-tour="${CSS.escape(target)}"]`);
    if (element === null) return;
    element.setAttribute(ATTRIBUTE, '');
    element.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
    return () => element.removeAttribute(ATTRIBUTE);
  }, [target]);
}
