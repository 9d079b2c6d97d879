/**
 * Lists every figure on the screen that no trust sign speaks for. Runs inside of the page, so it
 * names nothing from outside of itself.
 *
 * A figure is a text with a digit that is no identifier (address, digest, code). It must stand in
 * an element that names what it stands on (`data-trust`), and that element or one around it must
 * hold a visible sign that promises no more than the figure deserves.
 */
export function figuresWithoutTrust(): readonly string[] {
  const levels = ['cached', 'reported', 'proven', 'validated'];
  const identifiers = 'code, pre, kbd, svg, script, style, option, [data-address], [data-name]';
  // Addresses whole or in part, digests, and what is left of one after the middle was cut out.
  const identifier =
    /\btab1[\w ]*(?:… ?\w{4})?|(?:\b[0-9a-z]{4} )+… [0-9a-z]{4}|\b[0-9a-f]{6,}\b/gi;
  const offences: string[] = [];

  const isShown = (element: Element): boolean =>
    element.checkVisibility({ checkOpacity: false, visibilityProperty: true });
  const signOf = (region: Element): string | undefined => {
    for (const sign of region.querySelectorAll<HTMLElement>('[data-trust-sign]')) {
      const around = sign === region ? sign : sign.parentElement?.closest('[data-trust]');
      if (around === region && isShown(sign)) return sign.dataset.trust ?? 'cached';
    }
    return undefined;
  };
  const speaksFor = (sign: string, standing: string): boolean => {
    if (standing === 'counted' || standing === 'genesis' || sign === standing) return true;
    const place = levels.indexOf(sign);
    return place >= 0 && place <= levels.indexOf(standing);
  };
  const isLabelled = (element: Element): boolean => {
    const own = element.closest<HTMLElement>('[data-trust]');
    const standing = own?.dataset.trust;
    if (own === null || standing === undefined) return false;
    if (standing === 'stated' || 'trustSign' in own.dataset) return true;
    // A count of this device claims nothing about the ledger: words on hover are enough.
    if (standing === 'counted' && own.title !== '') return true;
    let region: Element | null | undefined = own;
    while (region !== null && region !== undefined) {
      const sign = signOf(region);
      if (sign !== undefined && speaksFor(sign, standing)) return true;
      region = region.parentElement?.closest('[data-trust]');
    }
    return false;
  };

  const roots = document.querySelectorAll('main, header section, dialog[open]');
  for (const root of roots) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const element = node.parentElement;
      const text = (node.textContent ?? '').replaceAll(identifier, '');
      if (!/\d/.test(text) || element === null) continue;
      if (element.closest(identifiers) !== null || !isShown(element)) continue;
      if (!isLabelled(element)) offences.push(text.trim());
    }
  }
  return offences;
}
