import { formatHex } from '../base/index.ts';
import type { SignatureAlgorithm } from '../crypto/index.ts';
import { formatAddress } from '../ledger/index.ts';
import { addressOfKey, createKey, loadKey, storeKey } from './key-files.ts';
import type { Output } from './output.ts';

/** `tabellion keys create`. */
export async function createKeyFile(
  path: string,
  algorithm: SignatureAlgorithm,
  output: Output,
): Promise<void> {
  await storeKey(path, createKey(algorithm));
  await showKeyFile(path, output);
}

/** `tabellion keys show`. */
export async function showKeyFile(path: string, output: Output): Promise<void> {
  const pair = await loadKey(path);
  const address = formatAddress(addressOfKey(pair));
  const publicKey = formatHex(pair.publicKey);
  const text = `Address    ${address}\nPublic key ${publicKey}\nAlgorithm  ${pair.algorithm}`;
  output.result(text, { address, publicKey, algorithm: pair.algorithm });
}
