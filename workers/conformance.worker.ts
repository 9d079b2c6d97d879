import type { Json } from '../src/base/index.ts';
import { loadFastHashing } from '../src/crypto/index.ts';
import { answerConformance } from '../src/sdk/index.ts';
import { createWebCryptoVerifier } from '../src/verifier/index.ts';

const home = { verifier: createWebCryptoVerifier() };
const loaded = loadFastHashing();

/** Answers a line in the worker that this module was loaded into. */
export async function ask(line: string): Promise<Json> {
  await loaded;
  return answerConformance(line, home);
}
