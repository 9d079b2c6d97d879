import { useState } from 'react';
import { readAmount } from '../format/amount.ts';
import { announce } from '../hooks/announce.ts';
import { useWalletState } from '../hooks/services.ts';
import { requestSignature } from '../hooks/signing.ts';
import { Button } from '../parts/Button.tsx';
import { TextField } from '../parts/Field.tsx';
import { Panel, Row, Stack } from '../parts/Panel.tsx';

const DECIMALS_MAX = 18;

/** Makes a new asset whose issuer is the active account. */
export function IssueAsset() {
  const { activeAccount } = useWalletState();
  const [isOpen, setOpen] = useState(false);
  const [symbol, setSymbol] = useState('');
  const [name, setName] = useState('');
  const [decimalsTyped, setDecimals] = useState('2');
  const [supplyTyped, setSupply] = useState('');
  if (activeAccount === undefined) return null;
  if (!isOpen) {
    return (
      <div>
        <Button onClick={() => setOpen(true)}>Issue an asset</Button>
      </div>
    );
  }
  const decimals = /^\d{1,2}$/.test(decimalsTyped) ? Number(decimalsTyped) : undefined;
  const areDecimalsSound = decimals !== undefined && decimals <= DECIMALS_MAX;
  const supply = readAmount(supplyTyped, areDecimalsSound ? decimals : 0);
  const isSymbolSound = /^[A-Z][A-Z0-9]{1,9}$/.test(symbol);
  const isSound = isSymbolSound && name.trim() !== '' && areDecimalsSound && supply.ok;
  const issue = () => {
    if (!supply.ok || !isSound) return;
    requestSignature({
      account: activeAccount,
      actions: [{ kind: 'asset.issue', symbol, name: name.trim(), decimals, supply: supply.value }],
      onFinal: () => announce(`${name.trim()} was issued.`),
      onClose: (wasSubmitted) => setOpen(!wasSubmitted),
    });
  };
  return (
    <Panel title="Issue an asset">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          issue();
        }}
      >
        <Stack gap={4}>
          <TextField
            label="Name"
            value={name}
            maxLength={48}
            onChange={(event) => setName(event.target.value)}
          />
          <TextField
            label="Symbol"
            hint="2 to 10 capital letters or digits."
            value={symbol}
            maxLength={10}
            error={symbol !== '' && !isSymbolSound ? 'Begin with a letter, like GOLD.' : undefined}
            onChange={(event) => setSymbol(event.target.value.toUpperCase())}
          />
          <TextField
            label="Decimals"
            inputMode="numeric"
            value={decimalsTyped}
            maxLength={2}
            error={areDecimalsSound ? undefined : `From 0 to ${DECIMALS_MAX}.`}
            onChange={(event) => setDecimals(event.target.value)}
          />
          <TextField
            label="First supply"
            inputMode="decimal"
            hint="It goes to you. You may mint more later."
            value={supplyTyped}
            error={supplyTyped !== '' && !supply.ok ? 'That is no amount.' : undefined}
            onChange={(event) => setSupply(event.target.value)}
          />
          <Row>
            <Button type="submit" look="primary" disabled={!isSound}>
              Review
            </Button>
            <Button look="quiet" onClick={() => setOpen(false)}>
              Cancel
            </Button>
          </Row>
        </Stack>
      </form>
    </Panel>
  );
}
