/**
 * In the page: what has the focus, and whether somebody who sees can tell. A mark is an outline or a shadow of the element, or
 * of what stands for it where the element itself is not drawn: its label, or a box around it.
 */
globalThis.focusedElement = () => {
  const focused = document.activeElement;
  if (focused === null || focused === document.body) return undefined;
  const stands = [focused, focused.closest('label'), focused.parentElement, focused.parentElement?.parentElement];
  const text = focused.getAttribute('aria-label') ?? focused.textContent?.trim() ?? '';
  return {
    // A shadow root draws its own focus.
    isMarked: focused.shadowRoot !== null || stands.some((one) => one && isMarked(one)),
    described: `<${focused.localName} class="${focused.className}"> ${text.slice(0, 60)}`,
  };
};

function isMarked(element) {
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
  return (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none';
}
