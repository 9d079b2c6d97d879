import { useEffect } from 'react';

/** Parts of a page that can speak for what stood in them. */
const PARTS = 'section, dialog, main';

type Holder = { readonly isConnected: boolean; matches(selector: string): boolean };

/** Who has the focus, and who would have it next. */
export function createFocusLine<Each extends Holder>() {
  /** What has the focus and all around it, the nearest first: as they hung together then. */
  let line: readonly Each[] = [];
  const isUsable = (each: Each) => each.isConnected && !each.matches(':disabled');
  return {
    /** The first of them took the focus. */
    took(path: readonly Each[]) {
      line = path;
    },
    /** Focus left this one, and lies there now. Where it was let go of, nobody inherits it later. */
    left(target: unknown, active: unknown) {
      const [holder] = line;
      if (holder === undefined || target !== holder || active === holder) return;
      if (isUsable(holder)) line = [];
    },
    /** The part that speaks for what held the focus, once that is gone; told one time. */
    heir(active: unknown, body: unknown): Each | undefined {
      const [holder] = line;
      if (active !== body && active !== holder) return undefined;
      if (holder === undefined || isUsable(holder)) return undefined;
      const part = line.find((each) => each.isConnected && each.matches(PARTS));
      line = [];
      return part;
    },
  };
}

/**
 * Hands the focus on when what held it left the page, or can be used no longer: the heading around
 * it gets it. Else a button that did its work would throw a screen reader back to the beginning.
 */
export function useFocusHeir(): void {
  useEffect(() => {
    const line = createFocusLine<HTMLElement>();
    const take = (event: FocusEvent) => {
      line.took(event.composedPath().filter((each) => each instanceof HTMLElement));
    };
    // What is being removed lets go before it is gone: looked at when that is over.
    const leave = ({ target }: FocusEvent) => {
      queueMicrotask(() => line.left(target, document.activeElement));
    };
    const look = () => {
      const part = line.heir(document.activeElement, document.body);
      const heir = part?.querySelector<HTMLElement>('h1, h2') ?? part;
      if (heir === undefined) return;
      // Written down, it lets a heading take the focus.
      if (heir.tabIndex < 0) heir.tabIndex = -1;
      heir.focus({ preventScroll: true });
    };
    const watch = new MutationObserver(look);
    watch.observe(document.body, { childList: true, subtree: true, attributeFilter: ['disabled'] });
    addEventListener('focusin', take);
    addEventListener('focusout', leave);
    return () => {
      watch.disconnect();
      removeEventListener('focusin', take);
      removeEventListener('focusout', leave);
    };
  }, []);
}
