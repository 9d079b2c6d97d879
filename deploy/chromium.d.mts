/** Path of a browser that runs, or undefined. */
export function findChromium(): Promise<string | undefined>;
/** Finds a browser or installs one; rejects when neither works. */
export function ensureChromium(): Promise<string>;
