/** The part of Trusted Types that is used; not in the DOM library. */
type TrustedTypes = {
  createPolicy(name: string, rules: { readonly createScriptURL: (url: string) => string }): unknown;
};

/**
 * Workers and the service worker may be started from this origin only. No rule makes HTML or
 * script text trusted, so the page cannot turn a text into either.
 */
export function allowOwnScripts(): void {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  trustedTypes?.createPolicy('default', {
    createScriptURL(url) {
      const { origin } = new URL(url, location.href);
      if (origin !== location.origin) throw new TypeError(`script refused: ${origin}`);
      return url;
    },
  });
}
