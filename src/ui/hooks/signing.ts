import { create } from 'zustand';
import type { LocalAccount } from '../../wallet/index.ts';
import type { Action } from './client.ts';

/** What a page asks the signing sheet to put before the person. */
export type SigningRequest = {
  readonly account: LocalAccount;
  readonly actions: readonly Action[];
  readonly memo?: string | undefined;
  /** One more sentence that the person should weigh, with evidence. */
  readonly warning?: string | undefined;
  /** Called once the transaction is final. */
  readonly onFinal?: (() => void) | undefined;
  /** Called when the sheet closes, whatever happened. */
  readonly onClose?: ((wasSubmitted: boolean) => void) | undefined;
};

type Signing = { readonly request: SigningRequest | undefined };

/** The one signature in hand; no update of the app is applied while there is one. */
export const useSigning = create<Signing>(() => ({ request: undefined }));

/** Opens the signing sheet. */
export function requestSignature(request: SigningRequest): void {
  useSigning.setState({ request });
}
