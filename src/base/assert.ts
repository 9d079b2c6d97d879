/** A bug in this program: nobody catches it but the edge of a worker, which reports and stops. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** States what must hold; throws {@link AssertionError} when it does not. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Ends a `switch` over a closed union; does not compile while a case is missing. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${String(value)}`);
}

/** Narrows away `undefined` where the caller knows that the value exists. */
export function defined<Value>(value: Value | undefined, message: string): Value {
  if (value === undefined) throw new AssertionError(message);
  return value;
}
