import type { Json } from '../../base/index.ts';
import type { SignatureVerifier } from '../../verifier/index.ts';
import type { Input } from './input.ts';

/** What operations run with: the verifier of the home that runs them. */
export type ConformanceHome = { readonly verifier: SignatureVerifier };

/** One question that any implementation of the protocol must answer alike. */
export type Operation = {
  readonly summary: string;
  readonly input: { readonly [member: string]: string };
  readonly result: string;
  run(input: Input, home: ConformanceHome): Promise<Json> | Json;
};
