import type { FormEvent } from 'react';
import { useState } from 'react';
import type { ErrorData } from '../../base/index.ts';
import { errorToData } from '../../base/index.ts';
import { parseCheckpoint } from '../../sdk/index.ts';
import { announce } from '../hooks/announce.ts';
import { useClient } from '../hooks/services.ts';
import { Button } from '../parts/Button.tsx';
import { ErrorNotice } from '../parts/ErrorNotice.tsx';
import { TextField } from '../parts/Field.tsx';
import { Stack } from '../parts/Panel.tsx';

type CheckpointFormProps = {
  /** What a link named; it is not used before somebody says so. */
  readonly text?: string;
  /** Height of the checkpoint that is kept: a lower one is compared, and not kept. */
  readonly keptHeight?: number | undefined;
  readonly onGiven?: () => void;
};

/** Where a person enters a block that somebody told them to trust. */
export function CheckpointForm({ text: told = '', keptHeight = 0, onGiven }: CheckpointFormProps) {
  const client = useClient();
  const [text, setText] = useState(told);
  const [isBusy, setBusy] = useState(false);
  const [isTried, setTried] = useState(false);
  const [error, setError] = useState<ErrorData>();
  const isWrong = isTried && !parseCheckpoint(text).ok;
  const change = (value: string) => {
    setText(value);
    setTried(false);
    setError(undefined);
  };
  const give = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    setError(undefined);
    const parsed = parseCheckpoint(text);
    if (client === undefined || !parsed.ok) return;
    setBusy(true);
    try {
      await client.call('node.trustCheckpoint', { text: text.trim() });
      change('');
      announce(
        parsed.value.height < keptHeight
          ? 'The block was found. The higher checkpoint is kept.'
          : 'The block was found, and is trusted from now on.',
      );
      onGiven?.();
    } catch (caught) {
      setError(errorToData(caught));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void give(event)} noValidate>
      <Stack gap={3}>
        <TextField
          label="Checkpoint from somebody you trust"
          isMono
          spellCheck={false}
          autoCapitalize="none"
          value={text}
          onChange={(event) => change(event.target.value)}
          hint="A height, a colon and a hash, as the Node page of their app shows it."
          error={isWrong ? WRONG : undefined}
        />
        <div>
          <Button type="submit" look="primary" isBusy={isBusy} disabled={client === undefined}>
            Trust this block
          </Button>
        </div>
        {error === undefined ? null : <ErrorNotice error={error} />}
      </Stack>
    </form>
  );
}

const WRONG =
  'This is no checkpoint: a height, a colon, and a hash of 64 digits and letters a to f.';
