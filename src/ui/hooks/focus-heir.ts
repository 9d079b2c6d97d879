import { useEffect } from 'react';

/** Parts of a page that can speak for what stood in them. */
const PARTS = 'section, dialog, main';

/**
 * Hands the focus on when what held it left the page, or can be used no longer: the heading around
 * it gets it. Else a button that did its work would throw a screen reader back to the beginning.
 */
export function useFocusHeir(): void {
  useEffect(() => {
    let holder: Element | undefined;
    let parts: readonly HTMLElement[] = [];
    const note = ({ target }: FocusEvent) => {
      if (!(target instanceof HTMLElement)) return;
      const around: HTMLElement[] = [];
      // Kept while they still hang together, the nearest first.
      for (let each: HTMLElement | null = target; each !== null; each = each.parentElement) {
        if (each.matches(PARTS)) around.push(each);
      }
      holder = target;
      parts = around;
    };
    const look = () => {
      if (holder === undefined) return;
      const { activeElement, body } = document;
      if (activeElement !== body && activeElement !== holder) return;
      if (holder.isConnected && !holder.matches(':disabled')) return;
      holder = undefined;
      const part = parts.find((each) => each.isConnected);
      const heir = part?.querySelector<HTMLElement>('h1, h2') ?? part;
      if (heir?.hasAttribute('tabindex') === false) heir.tabIndex = -1;
      heir?.focus({ preventScroll: true });
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
