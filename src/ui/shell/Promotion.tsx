import { useEffect, useState } from 'react';
import type { ErrorData } from '../../base/index.ts';
import { errorToData } from '../../base/index.ts';
import type { Thrift } from '../hooks/device.ts';
import { readThrift, watchThrift } from '../hooks/device.ts';
import { useLive } from '../hooks/live.ts';
import { writeMode } from '../hooks/preferences.ts';
import { useClient } from '../hooks/services.ts';
import { Button } from '../parts/Button.tsx';
import { ErrorNotice } from '../parts/ErrorNotice.tsx';
import { Notice } from '../parts/Notice.tsx';

const REASONS: Record<Thrift, string> = {
  metered: 'This connection is metered or set to save data',
  'low-battery': 'The battery is low',
};

function useThrift(): Thrift | undefined {
  const [thrift, setThrift] = useState<Thrift>();
  useEffect(() => {
    let isGone = false;
    const look = () =>
      void readThrift().then((found) => {
        if (!isGone) setThrift(found);
      });
    look();
    const end = watchThrift(look);
    return () => {
      isGone = true;
      end();
    };
  }, []);
  return thrift;
}

/** Asks before much is fetched over a metered line or on a low battery; else draws nothing. */
export function Promotion() {
  const client = useClient();
  const isAsked = useLive((live) => live.status?.promotion === 'waiting-consent');
  const thrift = useThrift();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ErrorData>();
  if (!isAsked) return null;
  const tell = async (deed: () => Promise<unknown> | undefined) => {
    setBusy(true);
    setError(undefined);
    try {
      await deed();
    } catch (caught) {
      setError(errorToData(caught));
    } finally {
      setBusy(false);
    }
  };
  const stay = async () => {
    await client?.call('node.configure', { mode: 'light' });
    writeMode('light');
  };
  const reason =
    thrift === undefined
      ? 'This device may be on a metered line or a low battery'
      : REASONS[thrift];
  return (
    <>
      <Notice
        kind="info"
        title="Load the whole state now?"
        action={
          <>
            <Button
              look="primary"
              isBusy={isBusy}
              onClick={() => void tell(() => client?.call('node.promote', {}))}
            >
              Load it now
            </Button>
            <Button isBusy={isBusy} onClick={() => void tell(stay)}>
              Stay with Saver
            </Button>
          </>
        }
      >
        {reason}, so this tab waits for your word. Everything works meanwhile; figures are Proven
        instead of Validated.
      </Notice>
      {error === undefined ? null : <ErrorNotice error={error} />}
    </>
  );
}
