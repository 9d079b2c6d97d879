import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { timestampMs } from '../../base/index.ts';
import type { Wallet } from '../../wallet/index.ts';
import { createLocalWalletStorage, createWallet, walletClientOf } from '../../wallet/index.ts';
import { App } from '../App.tsx';
import { applyTheme } from '../hooks/preferences.ts';
import { useServices } from '../hooks/services.ts';
import '../styles/fonts.css';
import '../styles/tokens.css';
import '../styles/base.css';
import { createFakeClient } from './fake-client.ts';
import * as figures from './figures.ts';
import { chosenState } from './states.ts';

applyTheme();
const client = createFakeClient(chosenState());
const wallet = createWallet({
  client: walletClientOf(client),
  storage: createLocalWalletStorage(localStorage, globalThis),
  origin: location.origin,
  rpId: location.hostname,
});
if (wallet.contacts().length === 0) {
  wallet.saveContact({ name: 'Ben', address: figures.ben });
  wallet.saveContact({ name: 'Corner shop', address: figures.shop });
}
/** Plays the four stages, since no ledger is there to reach them. */
const pretended: Wallet = {
  ...wallet,
  submit: async (signed) => signed.transactionId,
  track(transactionId, push) {
    const known = wallet.state().transactions[0];
    const stages = ['signed', 'seen', 'included', 'final'] as const;
    const steps: { stage: (typeof stages)[number]; at: ReturnType<typeof timestampMs> }[] = [];
    const timers = stages.map((stage, at) =>
      setTimeout(() => {
        steps.push({ stage, at: timestampMs(Date.now()) });
        push({
          transactionId,
          sender: figures.ben,
          height: figures.height(figures.START + 30),
          validUntil: undefined,
          failure: undefined,
          summary: known?.summary ?? [],
          stage,
          steps: [...steps],
        });
      }, at * 250),
    );
    return () => {
      for (const timer of timers) clearTimeout(timer);
    };
  },
};
useServices.setState({ client, wallet: pretended, role: 'leader' });

const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
