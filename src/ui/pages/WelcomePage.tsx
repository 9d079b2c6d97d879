import { useWalletReady } from '../hooks/live.ts';

import { Welcome } from './Welcome.tsx';

/** A further account, for those who have one already. */
export default function WelcomePage() {
  return <Welcome isReady={useWalletReady()} />;
}
