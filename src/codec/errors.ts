/** Why bytes or JSON are not a value; codes are public and permanent. */
export type DecodeCode =
  | 'truncated'
  | 'trailing-bytes'
  | 'non-canonical'
  | 'too-long'
  | 'too-short'
  | 'out-of-range'
  | 'unknown-variant'
  | 'utf8-malformed'
  | 'json-malformed'
  | 'value-malformed';

/** A refusal of a decoder. */
export type DecodeError = {
  readonly code: DecodeCode;
  /** Byte offset in binary input, or the path such as `actions.0.recipient` in JSON input. */
  readonly at: number | string;
};

/**
 * Carries a {@link DecodeError} from a nested reader to `decode` or `parseJson`, which catch it.
 * Never leaves a codec (other rooms write some too): one throw at a bad byte is what keeps the
 * readers linear.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly error: DecodeError;

  constructor(code: DecodeCode, at: number | string) {
    super(code);
    this.error = { code, at };
  }
}
