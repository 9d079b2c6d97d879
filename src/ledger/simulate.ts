import { equalBytes } from '../base/index.ts';
import { encode } from '../codec/index.ts';
import type { Address } from './address.ts';
import type { BlockRun } from './apply.ts';
import { beginBlock, chargeOf, executeActions } from './apply.ts';
import type { SignerRole, TransactionError } from './errors.ts';
import type { BlockPlace } from './execute.ts';
import { withOverlay } from './execute.ts';
import { addressOfPolicy, transactionIdOf } from './ids.ts';
import type { BlockRules, Kernel } from './kernel.ts';
import { blockRules } from './kernel.ts';
import { policyFault, weightNeeded } from './policy.ts';
import type { MissingKeys, StateView } from './state.ts';
import type {
  Amount,
  AssetId,
  Gas,
  Height,
  KeyPolicy,
  KeyRole,
  Log,
  Receipt,
  TransactionBody,
} from './types.ts';
import { keyPolicyCodec } from './types.ts';
import {
  balanceError,
  gasOfActions,
  intrinsicGas,
  requirementOf,
  sequenceError,
  validateForm,
  windowError,
} from './validate.ts';

/** Bytes taken for a policy that nobody has shown yet: one WebAuthn key with a long origin. */
const UNSHOWN_POLICY_BYTES = 256;

/** What somebody asks about a transaction before it is signed. */
export type SimulationRequest = {
  /**
   * With `gasLimit` and `feeMax` both zero it is a draft: it runs without a limit, and the answer
   * says what to fill in.
   */
  readonly body: TransactionBody;
  /** Policies of accounts without a record, as the authorisations will show them. */
  readonly initialPolicy?: KeyPolicy;
  readonly sponsorPolicy?: KeyPolicy;
};

/** How one balance would change. */
export type BalanceChange = {
  readonly address: Address;
  readonly asset: AssetId;
  readonly before: Amount;
  readonly after: Amount;
};

/** What would happen if the transaction were executed on this state. */
export type Simulation = {
  readonly kind: 'simulated';
  readonly outcome: Receipt['outcome'];
  /** Exact, given as many signatures as the policy needs at least; a good gas limit. */
  readonly gasUsed: Gas;
  /** `gasUsed` at the present price; a good `feeMax`. */
  readonly fee: Amount;
  readonly payer: Address;
  readonly balanceChanges: readonly BalanceChange[];
  readonly logs: readonly Log[];
  /** What would keep it out of a block whoever signs; undefined when nothing would. */
  readonly problem: TransactionError | undefined;
};

/** Stands where signatures will be. */
const UNSIGNED = { initialPolicy: undefined, signatures: [] };

type Party = {
  readonly policy: KeyPolicy | undefined;
  readonly bytes: number;
  readonly isNew: boolean;
};

/** The policy a party will sign under, and how many of its bytes the transaction pays for. */
function partyOf(
  kernel: Kernel,
  state: StateView,
  address: Address,
  shown: KeyPolicy | undefined,
): Party {
  const stored = kernel.services.accounts.load(state, address).policy;
  if (stored !== undefined) return { policy: stored, bytes: 0, isNew: false };
  if (shown === undefined) return { policy: undefined, bytes: UNSHOWN_POLICY_BYTES, isNew: true };
  return { policy: shown, bytes: encode(keyPolicyCodec, shown).length, isNew: true };
}

/** The fewest keys whose weight reaches a threshold; one when the policy is unknown. */
function fewestSignatures(
  policy: KeyPolicy | undefined,
  needed: { readonly threshold: number; readonly roles: readonly KeyRole[]; height: Height },
): number {
  if (policy === undefined) return 1;
  const weights = policy.keys
    .filter(({ role }) => needed.roles.includes(role))
    .filter(({ expiresAt }) => expiresAt === undefined || expiresAt >= needed.height)
    .map(({ weight }) => weight)
    .sort((left, right) => right - left);
  let held = 0;
  for (const [at, weight] of weights.entries()) {
    held += weight;
    if (held >= needed.threshold) return at + 1;
  }
  return Math.max(1, weights.length);
}

function policyError(
  kernel: Kernel,
  party: Party,
  signer: { readonly role: SignerRole; readonly address: Address },
): TransactionError | undefined {
  if (!party.isNew) return undefined;
  if (party.policy === undefined) return { code: 'policy-missing', signer: signer.role };
  if (!equalBytes(addressOfPolicy(kernel.suite, party.policy), signer.address)) {
    return { code: 'policy-mismatch', signer: signer.role };
  }
  const reason = policyFault(party.policy);
  if (reason === undefined) return undefined;
  return { code: 'policy-invalid', signer: signer.role, reason };
}

type Parties = { readonly sender: Party; readonly sponsor: Party | undefined };

function gasBeforeActions(
  kernel: Kernel,
  rules: BlockRules,
  request: SimulationRequest,
  parties: Parties,
  height: Height,
): Gas {
  const { body } = request;
  const { class: actionClass, roles } = requirementOf(kernel, body.actions);
  const { sender, sponsor } = parties;
  const thresholds = sender.policy?.thresholds;
  let signatures = fewestSignatures(sender.policy, {
    threshold: thresholds === undefined ? 1 : weightNeeded(thresholds, actionClass),
    roles,
    height,
  });
  let bytes = encode(kernel.codecs.body, body).length + sender.bytes;
  if (sponsor !== undefined) {
    const threshold = sponsor.policy?.thresholds.everyday ?? 1;
    signatures += fewestSignatures(sponsor.policy, { threshold, roles: ['signer'], height });
    bytes += sponsor.bytes;
  }
  return intrinsicGas(rules, { bytes, signatures });
}

function problemOf(
  kernel: Kernel,
  state: StateView,
  request: SimulationRequest,
  found: { parties: Parties; rules: BlockRules; height: Height; needed: Gas; fee: Amount },
): TransactionError | undefined {
  const { body } = request;
  const { sender, sponsor } = found.parties;
  const payer = body.sponsor ?? body.sender;
  const form = validateForm(kernel, {
    body,
    sender: UNSIGNED,
    sponsor: body.sponsor === undefined ? undefined : UNSIGNED,
  });
  const { sequence } = kernel.services.accounts.load(state, body.sender);
  const isDraft = isDraftBody(body);
  return (
    form ??
    windowError(body, found.height, found.rules.validityHeightsMax) ??
    (isDraft ? undefined : limitError(body, found)) ??
    sequenceError(sequence, body.sequence) ??
    policyError(kernel, sender, { role: 'sender', address: body.sender }) ??
    (sponsor === undefined
      ? undefined
      : policyError(kernel, sponsor, { role: 'sponsor', address: payer })) ??
    balanceError(kernel, state, payer, isDraft ? found.fee : body.feeMax)
  );
}

function isDraftBody(body: TransactionBody): boolean {
  return body.gasLimit === 0 && body.feeMax === 0n;
}

function limitError(
  body: TransactionBody,
  found: { readonly rules: BlockRules; readonly needed: Gas },
): TransactionError | undefined {
  const { gasLimit: offered, feeMax } = body;
  if (found.needed > offered) return { code: 'gas-limit-too-low', needed: found.needed, offered };
  const gasMax = found.rules.blockGasMax;
  if (offered > gasMax) return { code: 'gas-limit-too-high', gasMax, offered };
  const fee = BigInt(offered) * found.rules.gasPrice;
  return fee > feeMax ? { code: 'fee-too-low', needed: fee, offered: feeMax } : undefined;
}

/** Takes what is set aside for the fee, as far as the balance goes, for the time of the actions. */
function setAside(run: BlockRun, payer: Address, wanted: Amount): Amount {
  const { fees } = run.kernel.services;
  const held = fees.balance(run.state, payer);
  const amount = held < wanted ? held : wanted;
  fees.debit(run.state, payer, amount);
  return amount;
}

function run(kernel: Kernel, block: BlockRun, request: SimulationRequest): Simulation {
  const { state, rules, height } = block;
  const { body, initialPolicy, sponsorPolicy } = request;
  const payer = body.sponsor ?? body.sender;
  const parties: Parties = {
    sender: partyOf(kernel, state, body.sender, initialPolicy),
    sponsor:
      body.sponsor === undefined ? undefined : partyOf(kernel, state, body.sponsor, sponsorPolicy),
  };
  const intrinsic = gasBeforeActions(kernel, rules, request, parties, height);
  const needed = (intrinsic + gasOfActions(rules, body.actions)) as Gas; // A sum of gas.
  const isDraft = isDraftBody(body);
  const fee = chargeOf(rules, needed);
  const problem = problemOf(kernel, state, request, { parties, rules, height, needed, fee });
  const { policy } = parties.sender;
  if (policy !== undefined) {
    const signed = { address: body.sender, policy, keys: [] };
    kernel.services.accounts.recordSignatures(block.context, signed);
  }
  const aside = setAside(block, payer, isDraft ? fee : body.feeMax);
  const result = executeActions(block, {
    sender: body.sender,
    id: transactionIdOf(kernel.suite, encode(kernel.codecs.body, body)),
    actions: body.actions,
    gasUsed: intrinsic,
    gasLimit: isDraft ? needed : body.gasLimit,
  });
  const charged = chargeOf(rules, result.gasUsed);
  const refund = aside > charged ? ((aside - charged) as Amount) : (0n as Amount); // In range.
  kernel.services.fees.credit(state, payer, refund);
  const { outcome, gasUsed, logs } = result;
  const balanceChanges = balanceChangesOf(kernel, block);
  return {
    kind: 'simulated',
    outcome,
    gasUsed,
    fee: charged,
    payer,
    balanceChanges,
    logs,
    problem,
  };
}

function balanceChangesOf(kernel: Kernel, block: BlockRun): BalanceChange[] {
  const { fees } = kernel.services;
  return block.state.differences().flatMap(({ key, before, after }) => {
    const place = fees.parseBalanceKey(key);
    if (place === undefined) return [];
    const balances = { before: fees.decodeBalance(before), after: fees.decodeBalance(after) };
    return [{ ...place, ...balances }];
  });
}

/**
 * Runs a transaction that nobody has signed yet on top of a state, and keeps nothing. Drafts get
 * their gas and fee; bodies with limits are also told when those are too low.
 */
export function simulateTransaction(
  kernel: Kernel,
  view: StateView,
  place: BlockPlace,
  request: SimulationRequest,
): Simulation | MissingKeys {
  const { body } = request;
  const stated = { transaction: { body, sender: UNSIGNED, sponsor: undefined } };
  return withOverlay<Simulation>(kernel, view, [stated], (state) => {
    const rules = blockRules(kernel, state);
    return run(kernel, beginBlock(kernel, state, { ...place, rules }), request);
  });
}
