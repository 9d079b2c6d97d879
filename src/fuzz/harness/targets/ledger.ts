import { equalBytes } from '../../../base/index.ts';
import type { Codec } from '../../../codec/index.ts';
import { decode, encode } from '../../../codec/index.ts';
import { createActionCodec, createModuleRegistry } from '../../../ledger/action.ts';
import {
  addressCodec,
  builtinModules,
  chainParametersCodec,
  commitCertificateCodec,
  createProtocol,
  evidenceCodec,
  headerCodec,
  keyHintCodec,
  keyPolicyCodec,
  logCodec,
  membershipCodec,
  receiptCodec,
  signedVoteCodec,
} from '../../../ledger/index.ts';
import {
  accountRecordCodec,
  credentialClaimCodec,
} from '../../../ledger/modules/account/schema.ts';
import { assetRecordCodec } from '../../../ledger/modules/asset/schema.ts';
import { parameterChangeCodec } from '../../../ledger/modules/parameters/index.ts';
import { createTestLedger } from '../../../ledger/testing/world.ts';
import { blockAnnouncementCodec } from '../../../node/messages.ts';
import { committedRecordCodec, journalRecordCodec } from '../../../node/store/records.ts';
import type { Recording } from '../record.ts';
import { recordNetwork } from '../record.ts';
import type { Target } from '../types.ts';
import { Broken, refusedAt } from '../types.ts';
import { bytesTarget, codecTarget } from './codec-target.ts';

const protocol = createProtocol();
const registry = createModuleRegistry(builtinModules);

/** Any value of one codec inside encoded values of another. */
const inside =
  <Outer>(codec: Codec<Outer>, pick: (value: Outer) => readonly Uint8Array[]) =>
  (outer: readonly Uint8Array[]): Uint8Array[] =>
    outer.flatMap((bytes) => {
      const decoded = decode(codec, bytes);
      return decoded.ok ? pick(decoded.value) : [];
    });

const transactionParts = inside(protocol.codecs.transaction, ({ body, sender }) => [
  encode(protocol.codecs.body, body),
  ...sender.signatures.map(() => encode(protocol.codecs.body, body)),
]);
const announced = inside(blockAnnouncementCodec, ({ certificate }) => [
  encode(commitCertificateCodec, certificate),
]);
const headers = inside(blockAnnouncementCodec, ({ header }) => [encode(headerCodec, header)]);
const logs = inside(committedRecordCodec, (record) =>
  record.receipts.flatMap((receipt) => receipt.logs.map((log) => encode(logCodec, log))),
);
const journalled = inside(journalRecordCodec, (record) => [record.committed]);
/** What was committed: in the journal or where blocks are kept, each before its checksum. */
const committed = ({ records }: Recording): Uint8Array[] => {
  const payloads = (space: string) =>
    (records[space] ?? []).map((bytes) => bytes.subarray(0, Math.max(0, bytes.length - 32)));
  return [...journalled(payloads('journal')), ...payloads('blocks')];
};
const receipts = inside(committedRecordCodec, (record) =>
  record.receipts.map((receipt) => encode(receiptCodec, receipt)),
);

/** As the node takes a transaction: its ids must be those of the canonical bytes. */
function preparedTransaction(): Target {
  return bytesTarget('prepared-transaction', 'a transaction as the mempool takes it', async () => {
    const ledger = createTestLedger();
    const { transactions, pending } = await recordNetwork();
    return {
      seeds: [...transactions, ...pending].map((bytes) => new Uint8Array(bytes)),
      run(input) {
        const prepared = ledger.prepareTransaction(input);
        if (!prepared.ok) {
          const { error } = prepared;
          if (error.code !== 'malformed') return error.code;
          return refusedAt(String(error.reason), Number(error.at));
        }
        const { transaction, bytes, bodyBytes, claims } = prepared.value;
        if (!equalBytes(bytes, input)) throw new Broken('other bytes');
        if (!equalBytes(encode(ledger.codecs.body, transaction.body), bodyBytes)) {
          throw new Broken('the body that is signed is not the body that is executed');
        }
        const signatures =
          transaction.sender.signatures.length + (transaction.sponsor?.signatures.length ?? 0);
        if (claims.length !== signatures) throw new Broken('a signature without a claim');
        const form = ledger.validateForm(transaction);
        return form === undefined ? 'accepted' : form.code;
      },
    };
  });
}

function preparedBlock(): Target {
  return bytesTarget('prepared-block', 'a block as sync takes it', async () => {
    const ledger = createTestLedger();
    const { blocks } = await recordNetwork();
    return {
      seeds: blocks.map((bytes) => new Uint8Array(bytes)),
      run(input) {
        const prepared = ledger.prepareBlock(input);
        if (!prepared.ok) return refusedAt(prepared.error.code, prepared.error.at);
        const { bytes: _own, ...parts } = prepared.value;
        for (const each of [prepared.value, parts]) {
          if (!equalBytes(ledger.encodeBlock(each), input)) throw new Broken('a second form');
        }
        return `accepted@${prepared.value.transactions.length}`;
      },
    };
  });
}

/** A log as those read it who show what happened: by the schema of the module that it names. */
function readLog(): Target {
  return bytesTarget('log-view', 'a log as it is shown to people', async () => {
    const ledger = createTestLedger();
    const said = logs(committed(await recordNetwork()));
    const strange = ['asset.constructor', 'constructor.constructor', 'asset.', '.', ''].map(
      (kind) => encode(logCodec, { kind, accounts: [], data: new Uint8Array(8) }),
    );
    return {
      seeds: [...said, ...strange].map((bytes) => new Uint8Array(bytes)),
      run(input) {
        const log = decode(logCodec, input);
        if (!log.ok) return refusedAt(log.error.code, log.error.at);
        const view = ledger.decodeLog(log.value);
        if (view === undefined) return refusedAt('unknown', log.value.kind.length);
        JSON.stringify(view.json);
        return `accepted@${log.value.kind}`;
      },
    };
  });
}

export const ledgerTargets: readonly Target[] = [
  codecTarget('transaction', protocol.codecs.transaction, (said) => [
    ...said.transactions,
    ...said.pending,
  ]),
  codecTarget('body', protocol.codecs.body, (said) => transactionParts(said.transactions)),
  codecTarget('action', createActionCodec(registry)),
  codecTarget('block', protocol.codecs.block, (said) => said.blocks),
  codecTarget('genesis', protocol.genesisCodec),
  codecTarget('address', addressCodec),
  codecTarget('header', headerCodec, (said) => headers(said.messages.blocks)),
  codecTarget('certificate', commitCertificateCodec, (said) => announced(said.messages.blocks)),
  codecTarget('vote', signedVoteCodec, (said) => said.messages.votes),
  codecTarget('evidence', evidenceCodec),
  codecTarget('membership', membershipCodec),
  codecTarget('receipt', receiptCodec, (said) => receipts(committed(said))),
  codecTarget('log', logCodec, (said) => logs(committed(said))),
  codecTarget('key-policy', keyPolicyCodec),
  codecTarget('key-hint', keyHintCodec),
  codecTarget('account-record', accountRecordCodec),
  codecTarget('credential-claim', credentialClaimCodec),
  codecTarget('asset-record', assetRecordCodec),
  codecTarget('parameters', chainParametersCodec),
  codecTarget('parameter-change', parameterChangeCodec),
  readLog(),
  preparedTransaction(),
  preparedBlock(),
];
