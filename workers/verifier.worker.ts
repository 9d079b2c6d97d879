import type { MessageTarget } from '../src/verifier/index.ts';
import { createWebCryptoVerifier, serveVerifier, verifierPortOf } from '../src/verifier/index.ts';

// In a dedicated worker the global scope is itself one end of the line to whoever started it.
const scope = globalThis as unknown as MessageTarget;
serveVerifier(verifierPortOf(scope), createWebCryptoVerifier());
