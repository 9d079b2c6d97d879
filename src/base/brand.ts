declare const brand: unique symbol;

/**
 * A value of type `Value` that only its own constructor may make: a `Height` is not a `Round`,
 * though both are numbers at run time.
 */
export type Brand<Value, Name extends string> = Value & { readonly [brand]: Name };
