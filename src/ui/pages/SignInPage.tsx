import { useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import type { ErrorData } from '../../base/index.ts';
import { errorToData } from '../../base/index.ts';
import { parseAddress } from '../../sdk/index.ts';
import { describeAddressError } from '../format/errors.ts';
import { useIsFollowing } from '../hooks/account.ts';
import { announce } from '../hooks/announce.ts';
import { useWalletReady } from '../hooks/live.ts';
import { useWallet } from '../hooks/services.ts';
import { Button } from '../parts/Button.tsx';
import { ErrorNotice } from '../parts/ErrorNotice.tsx';
import { TextField } from '../parts/Field.tsx';
import { Notice, Waiting } from '../parts/Notice.tsx';
import { PageHead, Panel, Stack } from '../parts/Panel.tsx';
import { hasWebauthn, NoWebauthn } from './Welcome.tsx';

/** Brings an account to this browser: by its passkey, or by address and security key. */
export default function SignInPage() {
  const isFollowing = useIsFollowing();
  const isReady = useWalletReady() && isFollowing;
  if (!hasWebauthn()) return <NoWebauthn />;
  return (
    <>
      <PageHead
        title="Sign in"
        lead="Nothing is copied: your key proves that the account is yours, here as anywhere."
      />
      {isFollowing ? null : (
        <Waiting>Reading the ledger first: this tab looks your account up in its own copy…</Waiting>
      )}
      <ByPasskey isReady={isReady} />
      <ByAddress isReady={isReady} />
      <p>
        <Link href="/welcome">Create an account instead</Link>
      </p>
    </>
  );
}

function useSignIn() {
  const [, navigate] = useLocation();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ErrorData>();
  const stop = useRef<AbortController>(undefined);
  const run = async (signIn: (signal: AbortSignal) => Promise<unknown>) => {
    stop.current = new AbortController();
    setBusy(true);
    setError(undefined);
    try {
      await signIn(stop.current.signal);
      announce('Signed in.');
      navigate('/');
    } catch (caught) {
      setError(errorToData(caught));
      setBusy(false);
    }
  };
  return { run, isBusy, error, cancel: () => stop.current?.abort() };
}

type WayProps = { readonly isReady: boolean };

function ByPasskey({ isReady }: WayProps) {
  const wallet = useWallet();
  const [isSecond, setSecond] = useState(false);
  const proceed = useRef<() => void>(undefined);
  const { run, isBusy, error, cancel } = useSignIn();
  const signIn = () =>
    run(async (signal) => {
      await wallet?.signInWithPasskey({
        signal,
        onSecondPrompt: () =>
          new Promise((resolve) => {
            proceed.current = resolve;
            setSecond(true);
          }),
      });
    });
  return (
    <Panel title="With a passkey">
      <Stack gap={4}>
        <p>Choose it from the list that your device shows.</p>
        {isSecond ? (
          <Notice
            kind="info"
            isLive
            title="Once more, please"
            action={
              <Button
                look="primary"
                onClick={() => {
                  setSecond(false);
                  proceed.current?.();
                }}
              >
                Continue
              </Button>
            }
          >
            The ledger holds no record of this key yet. A second signature is needed to work out its
            address. Nothing is sent.
          </Notice>
        ) : (
          <div>
            <Button look="primary" onClick={signIn} isBusy={isBusy || !isReady}>
              Sign in with a passkey
            </Button>
            {isBusy ? (
              <Button look="quiet" onClick={cancel}>
                Cancel
              </Button>
            ) : null}
          </div>
        )}
        {error === undefined ? null : <ErrorNotice error={error} />}
      </Stack>
    </Panel>
  );
}

function ByAddress({ isReady }: WayProps) {
  const wallet = useWallet();
  const [text, setText] = useState('');
  const { run, isBusy, error } = useSignIn();
  const parsed = parseAddress(text);
  const isTyped = text.trim() !== '';
  const problem = isTyped && !parsed.ok ? describeAddressError(parsed.error) : undefined;
  return (
    <Panel title="With an address and a security key">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!parsed.ok || !isReady || isBusy) return;
          void run(async (signal) => {
            await wallet?.signInWithAddress(parsed.value, { signal });
          });
        }}
      >
        <Stack gap={4}>
          <TextField
            label="Address"
            isMono
            value={text}
            spellCheck={false}
            autoCapitalize="none"
            placeholder="tab1 …"
            hint="For keys that do not carry their account with them."
            error={problem}
            onChange={(event) => setText(event.target.value)}
          />
          <div>
            <Button type="submit" isBusy={isBusy || !isReady} disabled={!parsed.ok}>
              Use a security key
            </Button>
          </div>
          {error === undefined ? null : <ErrorNotice error={error} />}
        </Stack>
      </form>
    </Panel>
  );
}
