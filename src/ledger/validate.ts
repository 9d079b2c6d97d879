import type { Result } from '../base/index.ts';
import { defined, equalBytes, fail, ok } from '../base/index.ts';
import { encode } from '../codec/index.ts';
import type { Verified } from '../crypto/index.ts';
import type { RegisteredAction } from './action.ts';
import type { Address } from './address.ts';
import type { SignerRole, TransactionError } from './errors.ts';
import { addressOfPolicy } from './ids.ts';
import type { BlockRules, Kernel } from './kernel.ts';
import { PROTOCOL_VERSION } from './limits.ts';
import type { Requirement, SigningKey } from './policy.ts';
import { authorize, policyFault, rolesOfClass, stricterClass } from './policy.ts';
import type { PreparedTransaction } from './prepare.ts';
import type { StateView } from './state.ts';
import type {
  Action,
  ActionClass,
  Amount,
  Authorization,
  Gas,
  Height,
  KeyPolicy,
  KeyRole,
  KeySignature,
  Sequence,
  Transaction,
  TransactionBody,
} from './types.ts';
import { keyPolicyCodec } from './types.ts';

/** An account that signed, under which policy and by which keys. */
export type SignedBy = {
  readonly address: Address;
  readonly policy: KeyPolicy;
  readonly keys: readonly SigningKey[];
};

/** What validation found out, for execution to use. */
export type ValidatedTransaction = {
  readonly prepared: Verified<PreparedTransaction>;
  readonly sender: SignedBy;
  readonly sponsor: SignedBy | undefined;
  readonly payer: Address;
  /** Gas before the first action. */
  readonly intrinsicGas: Gas;
};

/** Rules that need neither state nor cryptography: what a node asks before it spends either. */
export function validateForm(
  kernel: Kernel,
  transaction: Transaction,
): TransactionError | undefined {
  const { body } = transaction;
  if (body.version !== PROTOCOL_VERSION) {
    return { code: 'version-unsupported', version: body.version };
  }
  if (!equalBytes(body.chainId, kernel.chainId)) return { code: 'wrong-network' };
  if (body.sponsor === undefined && transaction.sponsor !== undefined) {
    return { code: 'sponsor-unexpected' };
  }
  if (body.sponsor !== undefined) {
    if (transaction.sponsor === undefined) return { code: 'sponsor-missing' };
    if (equalBytes(body.sponsor, body.sender)) return { code: 'sponsor-is-sender' };
    if (hasDuplicate(transaction.sponsor.signatures)) {
      return { code: 'duplicate-signature', signer: 'sponsor' };
    }
  }
  if (hasDuplicate(transaction.sender.signatures)) {
    return { code: 'duplicate-signature', signer: 'sender' };
  }
  return undefined;
}

function hasDuplicate(signatures: readonly KeySignature[]): boolean {
  if (signatures.length < 2) return false;
  return signatures.some(({ publicKey }, at) =>
    signatures.slice(0, at).some((other) => equalBytes(other.publicKey, publicKey)),
  );
}

/** The registered action behind one of a transaction's; the codec admits no other. */
export function registeredAction(kernel: Kernel, action: Action): RegisteredAction {
  return defined(kernel.registry.actionOfKind(action.kind), `unknown action ${action.kind}`);
}

const ALL_ROLES: readonly KeyRole[] = ['signer', 'recovery', 'session'];

/** The strictest class among some actions, and the roles that may sign all of them. */
export function requirementOf(
  kernel: Kernel,
  actions: readonly Action[],
): { readonly class: ActionClass; readonly roles: readonly KeyRole[] } {
  let strictest: ActionClass = 'everyday';
  let roles = ALL_ROLES;
  for (const action of actions) {
    const { definition } = registeredAction(kernel, action);
    // The codec of this very action made its fields.
    const actionClass = definition.classOf(action as never);
    const admitted = definition.roles ?? rolesOfClass(actionClass);
    strictest = stricterClass(strictest, actionClass);
    // The first narrows all roles there are, so those that it admits remain.
    roles = roles === ALL_ROLES ? admitted : roles.filter((role) => admitted.includes(role));
  }
  return { class: strictest, roles };
}

/** Gas of a transaction before its first action. */
export function intrinsicGas(
  rules: BlockRules,
  size: { readonly bytes: number; readonly signatures: number },
): Gas {
  const { gasPerTransaction, gasPerByte, gasPerSignature } = rules;
  // Bounded prices times bounded sizes: far below 2^53.
  return (gasPerTransaction + size.bytes * gasPerByte + size.signatures * gasPerSignature) as Gas;
}

/** Gas of all actions of a body together. */
export function gasOfActions(rules: BlockRules, actions: readonly Action[]): Gas {
  let gas = 0;
  for (const { kind } of actions) gas += rules.gasOfAction(kind);
  return gas as Gas; // At most 16 bounded prices.
}

type StoredPolicies = {
  readonly sender: KeyPolicy | undefined;
  readonly sponsor: KeyPolicy | undefined;
};

/**
 * Bytes and signatures that a transaction pays for: body, policies that will be recorded, count.
 * Nobody signs a policy that is shown, so one that is ignored must not cost anybody anything.
 */
function pricedSize(
  { transaction, bodyBytes }: PreparedTransaction,
  stored: StoredPolicies,
): { bytes: number; signatures: number } {
  let bytes = bodyBytes.length;
  let signatures = 0;
  for (const signer of ['sender', 'sponsor'] as const) {
    const authorization = transaction[signer];
    if (authorization === undefined) continue;
    signatures += authorization.signatures.length;
    if (authorization.initialPolicy !== undefined && stored[signer] === undefined) {
      bytes += encode(keyPolicyCodec, authorization.initialPolicy).length;
    }
  }
  return { bytes, signatures };
}

/** The window of heights. */
export function windowError(
  body: TransactionBody,
  height: Height,
  heightsMax: number,
): TransactionError | undefined {
  const { validFrom, validUntil } = body;
  if (height > validUntil) return { code: 'expired', validUntil, height };
  const heights = validUntil - validFrom;
  if (heights > heightsMax) return { code: 'window-too-long', heights, heightsMax };
  if (height < validFrom) return { code: 'not-yet-valid', validFrom, height };
  return undefined;
}

function gasError(
  rules: BlockRules,
  body: TransactionBody,
  needed: Gas,
): TransactionError | undefined {
  const { gasLimit: offered, feeMax } = body;
  if (needed > offered) return { code: 'gas-limit-too-low', needed, offered };
  if (offered > rules.blockGasMax) {
    return { code: 'gas-limit-too-high', gasMax: rules.blockGasMax, offered };
  }
  const fee = BigInt(offered) * rules.gasPrice;
  if (fee > feeMax) return { code: 'fee-too-low', needed: fee, offered: feeMax };
  return undefined;
}

/** The policy that an account answers to, and whether its authorisation satisfies it. */
function signedBy(
  kernel: Kernel,
  known: { readonly address: Address; readonly policy: KeyPolicy | undefined },
  authorization: Authorization,
  requirement: Requirement,
): Result<SignedBy, TransactionError> {
  const { signer } = requirement;
  const { initialPolicy } = authorization;
  if (initialPolicy !== undefined) {
    if (!equalBytes(addressOfPolicy(kernel.suite, initialPolicy), known.address)) {
      return fail({ code: 'policy-mismatch', signer });
    }
    const fault = known.policy === undefined ? policyFault(initialPolicy) : undefined;
    if (fault !== undefined) return fail({ code: 'policy-invalid', signer, reason: fault });
  }
  // Once there is a record, the policy of the address is history: shown again, it is ignored.
  const policy = known.policy ?? initialPolicy;
  if (policy === undefined) return fail({ code: 'policy-missing', signer });
  const keys = authorize(policy, authorization, requirement);
  return keys.ok ? ok({ address: known.address, policy, keys: keys.value }) : keys;
}

function validateSponsor(
  kernel: Kernel,
  prepared: PreparedTransaction,
  policy: KeyPolicy | undefined,
  height: Height,
): Result<SignedBy | undefined, TransactionError> {
  const { body, sponsor: authorization } = prepared.transaction;
  if (body.sponsor === undefined || authorization === undefined) return ok(undefined);
  return signedBy(kernel, { address: body.sponsor, policy }, authorization, {
    signer: 'sponsor',
    class: 'everyday',
    roles: ['signer'],
    signingHash: prepared.signingHash,
    height,
  });
}

/** Whether the payer holds what the transaction may cost. */
export function balanceError(
  kernel: Kernel,
  state: StateView,
  payer: Address,
  needed: Amount,
): TransactionError | undefined {
  const held = kernel.services.fees.balance(state, payer);
  return held < needed ? { code: 'insufficient-balance', needed, held } : undefined;
}

/** A sequence other than the account's next one. */
export function sequenceError(expected: Sequence, actual: Sequence): TransactionError | undefined {
  if (actual === expected) return undefined;
  return { code: actual < expected ? 'sequence-used' : 'sequence-gap', expected, actual };
}

/**
 * Every rule that a transaction must meet to enter a block at a height on top of a state. A gap
 * in the sequence is looked for last, so that `sequence-gap` means: good, but too early.
 *
 * @throws MissingKey when the state is not in memory.
 */
export function validate(
  kernel: Kernel,
  state: StateView,
  prepared: Verified<PreparedTransaction>,
  block: { readonly height: Height; readonly rules: BlockRules },
): Result<ValidatedTransaction, TransactionError> {
  const { transaction, signingHash } = prepared;
  const { body } = transaction;
  const { height, rules } = block;
  const early =
    validateForm(kernel, transaction) ?? windowError(body, height, rules.validityHeightsMax);
  if (early !== undefined) return fail(early);

  const { accounts } = kernel.services;
  const { policy, sequence } = accounts.load(state, body.sender);
  const sponsorPolicy =
    body.sponsor === undefined ? undefined : accounts.load(state, body.sponsor).policy;
  const size = pricedSize(prepared, { sender: policy, sponsor: sponsorPolicy });
  const intrinsic = intrinsicGas(rules, size);
  const needed = (intrinsic + gasOfActions(rules, body.actions)) as Gas; // A sum of gas.
  const tooLittle = gasError(rules, body, needed);
  if (tooLittle !== undefined) return fail(tooLittle);
  const order = sequenceError(sequence, body.sequence);
  if (order?.code === 'sequence-used') return fail(order);
  const signer: SignerRole = 'sender';
  const { class: actionClass, roles } = requirementOf(kernel, body.actions);
  const requirement = { signer, class: actionClass, roles, signingHash, height };
  const known = { address: body.sender, policy };
  const sender = signedBy(kernel, known, transaction.sender, requirement);
  if (!sender.ok) return sender;
  const sponsor = validateSponsor(kernel, prepared, sponsorPolicy, height);
  if (!sponsor.ok) return sponsor;

  const payer = body.sponsor ?? body.sender;
  const late = balanceError(kernel, state, payer, body.feeMax) ?? order;
  if (late !== undefined) return fail(late);
  return ok({
    prepared,
    sender: sender.value,
    sponsor: sponsor.value,
    payer,
    intrinsicGas: intrinsic,
  });
}
