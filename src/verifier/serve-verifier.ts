import { decode } from '../codec/index.ts';
import { verifySignature } from '../crypto/index.ts';
import type { VerifierPort } from './port.ts';
import { chunkCodec } from './port.ts';
import type { SignatureVerifier } from './types.ts';

/**
 * The worker's side of a pool: answers each `verify` with `verdicts`.
 *
 * @returns Ends the service and closes the port.
 */
export function serveVerifier(port: VerifierPort, verifier: SignatureVerifier): () => void {
  async function answer(id: number, bytes: Uint8Array): Promise<void> {
    const chunk = decode(chunkCodec, bytes);
    if (!chunk.ok) return; // The pool is our own code; silence ends in its time limit.
    let verdicts: readonly boolean[];
    try {
      verdicts = await verifier.verify(chunk.value);
    } catch {
      verdicts = chunk.value.map(verifySignature);
    }
    const answer = Uint8Array.from(verdicts, (verdict) => (verdict ? 1 : 0));
    port.send({ kind: 'verdicts', id, verdicts: answer });
  }
  port.listen(
    (message) => {
      if (message.kind === 'verify') void answer(message.id, message.claims);
    },
    () => undefined,
  );
  return () => port.close();
}
