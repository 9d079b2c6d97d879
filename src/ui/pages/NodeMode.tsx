import { useId, useState } from 'react';
import type { ErrorData } from '../../base/index.ts';
import { errorToData } from '../../base/index.ts';
import { TrustPanel } from '../entities/TrustRegion.tsx';
import { sizesOf } from '../format/node-progress.ts';
import { formatBytes, formatCount } from '../format/number.ts';
import { announce } from '../hooks/announce.ts';
import type { NodeMode, NodeStatus, StorageView } from '../hooks/client.ts';
import { writeMode } from '../hooks/preferences.ts';
import { useClient } from '../hooks/services.ts';
import { ErrorNotice } from '../parts/ErrorNotice.tsx';
import { Notice } from '../parts/Notice.tsx';
import { Stack } from '../parts/Panel.tsx';
import styles from './NodeMode.module.css';

/** The names by which people choose. */
export const MODE_WORDS: Record<NodeMode, string> = {
  light: 'Saver',
  full: 'Balanced',
  archive: 'Archive',
};

type ModeWords = { readonly means: string; readonly costs: string };

function wordsOfModes(
  status: NodeStatus,
  storage: StorageView | undefined,
): Record<NodeMode, ModeWords> {
  const sizes = sizesOf(status, storage);
  const kept =
    status.keepBlocks === undefined
      ? 'the blocks'
      : `the newest ${formatCount(status.keepBlocks)} blocks`;
  return {
    light: {
      means: 'Checks headers, and proves each figure that you look at: figures are Proven.',
      costs: 'Below 1 MB, and next to no work.',
    },
    full: {
      means: `Keeps the whole state and ${kept}, and executes each new one: Validated.`,
      costs: costOf(sizes.full, 'on this device'),
    },
    archive: {
      means: 'Keeps every block since genesis, and the whole history of every account.',
      costs: costOf(sizes.archive, 'so far; it grows with every block'),
    },
  };
}

function costOf(bytes: number | undefined, where: string): string {
  return bytes === undefined
    ? 'How much is known once peers have told it.'
    : `About ${formatBytes(bytes)} ${where}.`;
}

const MODES = ['light', 'full', 'archive'] as const;

type ModeChooserProps = {
  readonly status: NodeStatus;
  readonly storage: StorageView | undefined;
};

/** How much of the ledger this tab keeps; changed while it runs. */
export function ModeChooser({ status, storage }: ModeChooserProps) {
  const client = useClient();
  const name = useId();
  const [asked, setAsked] = useState<NodeMode>();
  const [error, setError] = useState<ErrorData>();
  const words = wordsOfModes(status, storage);
  const chosen = asked ?? status.mode;
  const choose = async (mode: NodeMode) => {
    setAsked(mode);
    setError(undefined);
    try {
      await client?.call('node.configure', { mode });
      writeMode(mode);
      announce(`${MODE_WORDS[mode]} is on.`);
    } catch (caught) {
      setError(errorToData(caught));
    } finally {
      setAsked(undefined);
    }
  };
  return (
    <TrustPanel title="How much this tab keeps" of="counted">
      <Stack gap={4}>
        <fieldset className={styles.modes} aria-busy={asked !== undefined}>
          <legend className="visually-hidden">Mode</legend>
          {MODES.map((mode) => (
            <label key={mode} className={styles.mode}>
              <input
                type="radio"
                name={name}
                value={mode}
                checked={mode === chosen}
                onChange={() => void choose(mode)}
                aria-describedby={`${name}-${mode}`}
              />
              <span className={styles.words}>
                <strong>{MODE_WORDS[mode]}</strong>
                <span id={`${name}-${mode}`}>
                  {words[mode].means} <em className={styles.cost}>{words[mode].costs}</em>
                </span>
              </span>
            </label>
          ))}
        </fieldset>
        {error === undefined ? null : <ErrorNotice error={error} />}
        {status.isValidator ? (
          <Notice kind="info">This node decides blocks: Saver is not for it.</Notice>
        ) : null}
      </Stack>
    </TrustPanel>
  );
}
