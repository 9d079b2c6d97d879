import { assert, concatBytes, encodeUtf8 } from '../../src/base/index.ts';
import {
  encodeBase64Url,
  generateKeyPair,
  sha256,
  signP256,
  webauthnMessage,
} from '../../src/crypto/index.ts';
import { ExecutedChain, found } from '../chain/executed-chain.ts';
import type { Sender } from '../chain/senders.ts';
import { senderOf, signTransfer } from '../chain/senders.ts';
import type { Recorded } from './recorded.ts';
import { ACCOUNTS, BLOCKS, TRANSFERS_PER_BLOCK } from './recorded.ts';

const RP_ID = 'localhost';
const ORIGIN = 'http://localhost:4700';

/** How the senders sign: with a key of a program, or with a passkey. */
export type Scheme = 'p256' | 'webauthn-p256';

function createSender(scheme: Scheme, name: string): Sender {
  const seed = sha256(encodeUtf8(`validate ${name}`));
  const { publicKey, secretKey } = generateKeyPair('p256', seed);
  if (scheme === 'p256') {
    return senderOf({ kind: scheme, publicKey }, (signingHash) => {
      return { kind: scheme, publicKey, signature: signP256(secretKey, signingHash) };
    });
  }
  const rpIdHash = sha256(encodeUtf8(RP_ID));
  const key = { kind: scheme, publicKey, rpIdHash, origins: [ORIGIN], mustVerifyUser: false };
  // What Chromium's authenticators and Chromium itself write.
  const authenticatorData = concatBytes(rpIdHash, Uint8Array.of(0x05, 0, 0, 0, 0));
  return senderOf(key, (signingHash) => {
    const challenge = encodeBase64Url(signingHash);
    const clientDataJson = encodeUtf8(
      `{"type":"webauthn.get","challenge":"${challenge}","origin":"${ORIGIN}","crossOrigin":false}`,
    );
    const signature = signP256(secretKey, webauthnMessage(authenticatorData, clientDataJson));
    return { kind: scheme, publicKey, authenticatorData, clientDataJson, signature };
  });
}

/** Makes the chain that everybody validates: the same bytes each time. */
export function recordChain(scheme: Scheme): Recorded {
  const senders = Array.from({ length: ACCOUNTS }, (_, at) => createSender(scheme, `sender ${at}`));
  const balances = senders.map(({ address }) => ({ address, amount: 1_000_000_000n }));
  const founded = found('validate', balances);
  const { genesis, ledger } = founded;
  const chain = ExecutedChain.fromGenesis(founded);
  const blocks = Array.from({ length: BLOCKS }, (_, at) => {
    const transactions = Array.from({ length: TRANSFERS_PER_BLOCK }, (_, offset) => {
      const number = at * TRANSFERS_PER_BLOCK + offset;
      const sender = senders[number % ACCOUNTS];
      // A step without a factor in common with the count: everybody pays everybody sometime.
      const recipient = senders[((number % ACCOUNTS) + 1 + 7 * (number % 131)) % ACCOUNTS];
      assert(sender !== undefined && recipient !== undefined, 'numbered below the count');
      return signTransfer(ledger, sender, {
        recipient: recipient.address,
        amount: BigInt(1 + (number % 997)),
        sequence: Math.floor(number / ACCOUNTS),
        validFrom: 0,
        validUntil: 1000,
      });
    });
    return chain.append((1 + at) * 1000, transactions);
  });
  return { genesis, blocks };
}
