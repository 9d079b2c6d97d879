import type { FinalBlock, Record, Transfer, Violation } from '../history.ts';

/** An account after some block. */
export type AccountAt = { readonly sequence: number; readonly balance: bigint };

/** Where the chain holds a transaction. */
export type Place = {
  readonly height: number;
  readonly index: number;
  readonly failure: string | undefined;
};

/**
 * The ledger as its final blocks tell it, computed here from genesis by nothing but adding and
 * subtracting what the clients themselves had signed.
 */
export type FinalLedger = {
  readonly height: number;
  readonly transfers: ReadonlyMap<string, Transfer>;
  hashAt(height: number): string | undefined;
  transactionsAt(height: number): readonly string[] | undefined;
  accountAt(account: string, height: number): AccountAt;
  placeOf(id: string): Place | undefined;
  /** The transaction that used a sequence. */
  userOf(
    sender: string,
    sequence: number,
  ): { readonly id: string; readonly height: number } | undefined;
  supplyAt(height: number): bigint;
};

/** Compares the relays' chains and computes the ledger of the first. */
export function replay(record: Record): {
  readonly ledger: FinalLedger;
  readonly violations: readonly Violation[];
} {
  const violations = [...disagreements(record.chains), ...record.chains.flatMap(chainFaults)];
  const chain = record.chains[0] ?? [];
  const books = new Books(record);
  for (const block of chain) books.enter(block);
  return { ledger: books, violations: [...violations, ...books.violations] };
}

function violation(rule: Violation['rule'], text: string): Violation {
  return { rule, text, evidence: [] };
}

function disagreements(chains: readonly (readonly FinalBlock[])[]): Violation[] {
  const [first = [], ...others] = chains;
  return others.flatMap((chain, at) => {
    if (chain.length !== first.length) {
      const text = `relay ${at + 1} holds ${chain.length} blocks, relay 0 ${first.length}`;
      return [violation('chains-agree', text)];
    }
    return chain.flatMap(({ height, hash }, place) => {
      const other = first[place]?.hash;
      const text = `height ${height}: relay 0 holds ${other ?? 'nothing'}, relay ${at + 1} ${hash}`;
      return other === hash ? [] : [violation('chains-agree', text)];
    });
  });
}

function chainFaults(chain: readonly FinalBlock[], relay: number): Violation[] {
  return chain.flatMap(({ height, parentHash, fault }, place) => {
    const found: Violation[] = [];
    const where = `relay ${relay}, height ${height}`;
    if (height !== place) found.push(violation('chain-holds', `${where}: stands at ${place}`));
    const parent = chain[place - 1];
    if (parent !== undefined && parent.hash !== parentHash) {
      found.push(violation('chain-holds', `${where}: parent is another`));
    }
    if (fault !== undefined) found.push(violation('chain-holds', `${where}: ${fault}`));
    return found;
  });
}

type Change = { readonly height: number; readonly state: AccountAt };

class Books implements FinalLedger {
  readonly violations: Violation[] = [];
  readonly transfers: ReadonlyMap<string, Transfer>;
  readonly #welcome: ReadonlySet<string>;
  readonly #hashes: string[] = [];
  readonly #contents: (readonly string[])[] = [];
  readonly #supplies: bigint[] = [];
  /** States of each account, by ascending height. */
  readonly #accounts = new Map<string, Change[]>();
  readonly #places = new Map<string, Place>();
  readonly #users = new Map<string, { readonly id: string; readonly height: number }>();
  #supply = 0n;

  constructor({ transfers, balances, entries }: Record) {
    this.transfers = new Map(transfers.map((transfer) => [transfer.id, transfer]));
    // Only what was refused each time it was sent is known to be nowhere.
    this.#welcome = new Set(
      entries.flatMap((entry) =>
        entry.kind === 'submitted' && entry.submission.kind !== 'refused' ? [entry.id] : [],
      ),
    );
    for (const [account, balance] of balances) {
      this.#accounts.set(account, [{ height: 0, state: { sequence: 0, balance } }]);
      this.#supply += balance;
    }
  }

  get height(): number {
    return this.#hashes.length - 1;
  }

  hashAt(height: number): string | undefined {
    return this.#hashes[height];
  }

  transactionsAt(height: number): readonly string[] | undefined {
    return this.#contents[height];
  }

  supplyAt(height: number): bigint {
    return this.#supplies[height] ?? this.#supply;
  }

  placeOf(id: string): Place | undefined {
    return this.#places.get(id);
  }

  userOf(sender: string, sequence: number) {
    return this.#users.get(`${sender}:${sequence}`);
  }

  accountAt(account: string, height: number): AccountAt {
    const changes = this.#accounts.get(account) ?? [];
    const last = changes.findLast((change) => change.height <= height);
    return last?.state ?? { sequence: 0, balance: 0n };
  }

  enter({ height, hash, transactions }: FinalBlock): void {
    this.#hashes.push(hash);
    this.#contents.push(transactions.map(({ id }) => id));
    for (const [index, executed] of transactions.entries()) {
      const { id, failure, feeCharged } = executed;
      const where = `height ${height}, place ${index}, ${id}`;
      const transfer = this.transfers.get(id);
      if (transfer === undefined || !this.#welcome.has(id)) {
        const why = transfer === undefined ? 'nobody signed it' : 'it was refused wherever sent';
        this.violations.push(violation('only-submitted', `${where}: ${why}`));
      }
      if (this.#places.has(id)) {
        this.violations.push(violation('only-submitted', `${where}: executed twice`));
      }
      this.#places.set(id, { height, index, failure });
      if (transfer === undefined) continue;
      this.#execute(height, transfer, { failure, feeCharged, where });
    }
    this.#supplies.push(this.#supply);
  }

  #execute(
    height: number,
    transfer: Transfer,
    executed: {
      readonly failure: string | undefined;
      readonly feeCharged: bigint;
      readonly where: string;
    },
  ): void {
    const { sender, recipient, sequence, amount, validUntil } = transfer;
    const { failure, feeCharged, where } = executed;
    const before = this.accountAt(sender, height);
    const say = (rule: Violation['rule'], text: string) =>
      this.violations.push(violation(rule, `${where}: ${text}`));
    if (sequence !== before.sequence) {
      say('sequence-steps', `sequence ${sequence} where ${before.sequence} comes next`);
    }
    if (height > validUntil) say('only-submitted', `was valid until ${validUntil} only`);
    if (feeCharged !== transfer.fee) say('supply-holds', `fee ${feeCharged} for ${transfer.fee}`);
    const isCovered = amount + feeCharged <= before.balance;
    if (isCovered !== (failure === undefined)) {
      say('supply-holds', `${failure ?? 'succeeded'} with ${before.balance} for ${amount}`);
    }
    const moved = failure === undefined ? amount : 0n;
    this.#users.set(`${sender}:${sequence}`, { id: transfer.id, height });
    this.#set(sender, height, {
      sequence: sequence + 1,
      balance: before.balance - moved - feeCharged,
    });
    const held = this.accountAt(recipient, height);
    this.#set(recipient, height, { ...held, balance: held.balance + moved });
    this.#supply -= feeCharged;
  }

  #set(account: string, height: number, state: AccountAt): void {
    const changes = this.#accounts.get(account) ?? [];
    changes.push({ height, state });
    this.#accounts.set(account, changes);
  }
}
