import type { ReactNode } from 'react';
import { useId, useState } from 'react';
import type { ErrorData } from '../../base/index.ts';
import { errorToData } from '../../base/index.ts';
import { NODE_MODES } from '../../sdk/index.ts';
import { TrustPanel } from '../entities/TrustRegion.tsx';
import { isStoreHeld, ledgerBytesOf, sizesOf } from '../format/node-progress.ts';
import { formatBytes, formatCount, formatHeight } from '../format/number.ts';
import { announce } from '../hooks/announce.ts';
import type { NodeMode, NodeStatus, StorageView } from '../hooks/client.ts';
import { forgetHeight } from '../hooks/last-known.ts';
import { writeMode } from '../hooks/preferences.ts';
import { useClient } from '../hooks/services.ts';
import { Button } from '../parts/Button.tsx';
import { ErrorNotice } from '../parts/ErrorNotice.tsx';
import { Notice } from '../parts/Notice.tsx';
import { Row, Stack } from '../parts/Panel.tsx';
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
  const from = status.historyFrom === 0 ? '' : ` from ${formatHeight(status.historyFrom)} on`;
  const kept =
    status.keepBlocks === undefined
      ? `the blocks${from}`
      : `the newest ${formatCount(status.keepBlocks)} blocks`;
  return {
    light: {
      means: 'Checks headers, and proves each figure that you look at: figures are Proven.',
      costs: costOfSaver(ledgerBytesOf(storage)),
    },
    full: {
      means: `Keeps the whole state and ${kept}, and executes each new one: Validated.`,
      costs: costOf(sizes.full, 'on this device'),
    },
    archive: {
      means: archiveMeans(status.historyFrom),
      costs: costOf(sizes.archive, 'so far; it grows with every block'),
    },
  };
}

const SAVER_BYTES = 1_000_000;

function costOfSaver(keptBytes: number): string {
  if (keptBytes <= SAVER_BYTES) return 'Below 1 MB, and next to no work.';
  const kept = `${formatBytes(keptBytes)} of before stay on this device until a reset frees them`;
  return `Below 1 MB more, and next to no work; ${kept}.`;
}

function archiveMeans(historyFrom: number): string {
  if (historyFrom === 0) {
    return 'Keeps every block since genesis, and the whole history of every account.';
  }
  const from = `Earlier ones than ${formatHeight(historyFrom)} are missing here`;
  return `Keeps every block. ${from}: a reset reads all of them since genesis.`;
}

function costOf(bytes: number | undefined, where: string): string {
  return bytes === undefined
    ? 'How much shows once it has begun.'
    : `About ${formatBytes(bytes)} ${where}.`;
}

type ModeChooserProps = {
  readonly status: NodeStatus;
  readonly storage: StorageView | undefined;
  /** Choices that few need, below. */
  readonly children?: ReactNode;
};

/** How much of the ledger this tab keeps; changed while it runs. */
export function ModeChooser({ status, storage, children }: ModeChooserProps) {
  const client = useClient();
  const name = useId();
  const [picked, setPicked] = useState<NodeMode>();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ErrorData>();
  const words = wordsOfModes(status, storage);
  const isHeld = isStoreHeld(status);
  const chosen = picked ?? status.mode;
  const pick = (mode: NodeMode | undefined) => {
    setPicked(mode);
    setError(undefined);
  };
  const change = async ({ mode, isReset }: Change) => {
    setBusy(true);
    setError(undefined);
    try {
      if (isReset) {
        forgetHeight();
        await client?.call('node.reset', {});
      }
      await client?.call('node.configure', { mode });
      writeMode(mode);
      setPicked(undefined);
      announce(`${MODE_WORDS[mode]} is on.`);
    } catch (caught) {
      setError(errorToData(caught));
    } finally {
      setBusy(false);
    }
  };
  return (
    <TrustPanel title="How much this tab keeps" of="counted">
      <Stack gap={4}>
        <fieldset className={styles.modes} aria-busy={isBusy} disabled={isHeld}>
          <legend className="visually-hidden">Mode</legend>
          {NODE_MODES.map((mode) => (
            <label key={mode} className={styles.mode}>
              <input
                type="radio"
                name={name}
                value={mode}
                checked={mode === chosen}
                onChange={() => pick(mode)}
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
        {isHeld ? (
          <Notice kind="info">
            The stored data are not open yet: what this tab keeps can be chosen once they are.
          </Notice>
        ) : null}
        {chosen === status.mode ? null : (
          <Row>
            <Button
              look="primary"
              isBusy={isBusy}
              onClick={() => void change({ mode: chosen, isReset: false })}
            >
              Switch to {MODE_WORDS[chosen]}
            </Button>
            <Button isBusy={isBusy} onClick={() => pick(undefined)}>
              Stay with {MODE_WORDS[status.mode]}
            </Button>
          </Row>
        )}
        {error === undefined ? null : <ErrorNotice error={error} />}
        {error?.code === 'mode-needs-reset' ? (
          <Row>
            <Button
              look="danger"
              isBusy={isBusy}
              onClick={() => void change({ mode: chosen, isReset: true })}
            >
              Delete the blocks here and read all since genesis
            </Button>
          </Row>
        ) : null}
        {status.isValidator ? (
          <Notice kind="info">This node decides blocks: Saver is not for it.</Notice>
        ) : null}
        {children}
      </Stack>
    </TrustPanel>
  );
}

type Change = {
  readonly mode: NodeMode;
  /** Whether what is kept here is deleted first, and read again from the network. */
  readonly isReset: boolean;
};
