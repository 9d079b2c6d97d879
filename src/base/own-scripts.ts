/** The part of Trusted Types that is used; not in the DOM library. */
type TrustedTypes = {
  createPolicy(name: string, rules: { readonly createScriptURL: (url: string) => string }): unknown;
};

/**
 * Lets a page or worker start workers from its own origin only. No rule makes HTML or script text
 * trusted, so nothing can turn a text into either. Does nothing where there are no Trusted Types.
 *
 * @param scope The global object of the page or worker.
 */
export function allowOwnScripts(scope: object): void {
  // Neither is in the types that pages and workers share.
  const { trustedTypes, location } = scope as {
    trustedTypes?: TrustedTypes;
    location?: { readonly href: string; readonly origin: string };
  };
  if (trustedTypes === undefined || location === undefined) return;
  trustedTypes.createPolicy('default', {
    createScriptURL(url) {
      const { origin } = new URL(url, location.href);
      if (origin !== location.origin) throw new TypeError(`script refused: ${origin}`);
      return url;
    },
  });
}
