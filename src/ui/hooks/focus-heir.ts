import { useEffect } from 'react';

/** Parts of a page that can speak for what stood in them. */
const PARTS = 'section, dialog, main';

/**
 * Hands the focus on when what held it left the page, or can be used no longer: the heading around
 * it gets it. Else a button that did its work would throw a screen reader back to the beginning.
 */
export function useFocusHeir(): void {
  useEffect(() => {
    /** What has the focus and all around it, the nearest first: as they hung together then. */
    let line: readonly HTMLElement[] = [];
    const note = (event: FocusEvent) => {
      line = event.composedPath().filter((each) => each instanceof HTMLElement);
    };
    const look = () => {
      const [holder] = line;
      const { activeElement, body } = document;
      if (activeElement !== body && activeElement !== holder) return;
      if (holder === undefined || (holder.isConnected && !holder.matches(':disabled'))) return;
      const part = line.find((each) => each.isConnected && each.matches(PARTS));
      line = [];
      const heir = part?.querySelector<HTMLElement>('h1, h2') ?? part;
      if (heir === undefined) return;
      // Written down, it lets a heading take the focus.
      if (heir.tabIndex < 0) heir.tabIndex = -1;
      heir.focus({ preventScroll: true });
    };
    const watch = new MutationObserver(look);
    watch.observe(document.body, { childList: true, subtree: true, attributeFilter: ['disabled'] });
    addEventListener('focusin', note);
    return () => {
      watch.disconnect();
      removeEventListener('focusin', note);
    };
  }, []);
}
