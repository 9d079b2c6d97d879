/** Any value that JSON can hold. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json };

/** Tells a plain JSON object from the other JSON values. */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * What a text says as JSON; absent when it is none. What it says is whatever a stranger wrote: read
 * it by a codec, or member by member. How long or deep it may be is for whoever has the text.
 */
export function parseJsonText(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json; // It gives nothing else.
  } catch {
    return undefined;
  }
}
