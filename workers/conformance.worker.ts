import { loadFastHashing } from '../src/crypto/index.ts';
import { answerConformance } from '../src/sdk/index.ts';
import { createWebCryptoVerifier } from '../src/verifier/index.ts';

// Answers lines in the order in which they came: the page matches answers by their order.
const home = { verifier: createWebCryptoVerifier() };
let last: Promise<unknown> = loadFastHashing();
addEventListener('message', ({ data }: MessageEvent<string>) => {
  last = last.then(async () => postMessage(await answerConformance(data, home)));
});
