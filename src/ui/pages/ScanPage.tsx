import { lazy, Suspense, useState } from 'react';
import { useLocation } from 'wouter';
import { parseAddress } from '../../sdk/index.ts';
import { describeAddressError } from '../format/errors.ts';
import { readPaymentText } from '../format/payment-text.ts';
import { Button, LinkButton } from '../parts/Button.tsx';
import { TextField } from '../parts/Field.tsx';
import { Notice, Waiting } from '../parts/Notice.tsx';
import { PageHead, Panel, Stack } from '../parts/Panel.tsx';

const QrScanner = lazy(() => import('../parts/QrScanner.tsx'));

/** Reads somebody's code, and goes on to Send. */
export default function ScanPage() {
  const [, navigate] = useLocation();
  const [problem, setProblem] = useState<string>();
  const [text, setText] = useState('');
  const take = (scanned: string) => {
    const { address, amount } = readPaymentText(scanned);
    const parsed = parseAddress(address);
    if (!parsed.ok) {
      setProblem(describeAddressError(parsed.error));
      return;
    }
    const query = new URLSearchParams({ to: address });
    if (amount !== undefined) query.set('amount', amount);
    navigate(`/send?${query}`);
  };
  return (
    <>
      <PageHead title="Scan" lead="Hold the other person’s code in front of the camera." />
      {problem === undefined ? (
        <Suspense fallback={<Waiting>Opening the camera…</Waiting>}>
          <QrScanner onText={take} />
        </Suspense>
      ) : (
        <Notice
          kind="warning"
          isLive
          title="That is no address"
          action={<Button onClick={() => setProblem(undefined)}>Scan again</Button>}
        >
          {problem}
        </Notice>
      )}
      <Panel title="Or paste it">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            take(text);
          }}
        >
          <Stack gap={4}>
            <TextField
              label="Address"
              isMono
              spellCheck={false}
              autoCapitalize="none"
              placeholder="tab1 …"
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
            <div>
              <Button type="submit" disabled={text.trim() === ''}>
                Continue
              </Button>{' '}
              <LinkButton href="/send" look="quiet">
                Type it instead
              </LinkButton>
            </div>
          </Stack>
        </form>
      </Panel>
    </>
  );
}
