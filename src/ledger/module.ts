import type { Bytes, TimestampMs } from '../base/index.ts';
import type { Codec } from '../codec/index.ts';
import type { Hash, HashSuite } from '../crypto/index.ts';
import type { Address } from './address.ts';
import type { ActionError } from './errors.ts';
import type { SigningKey } from './policy.ts';
import type { MutableState, StateView } from './state.ts';
import type {
  ActionClass,
  Amount,
  AssetId,
  Gas,
  Height,
  KeyHint,
  KeyPolicy,
  KeyRole,
  Membership,
  Sequence,
} from './types.ts';

/** What the state of a module starts from. */
export type GenesisContext = {
  readonly suite: HashSuite;
  readonly state: MutableState;
  readonly timestampMs: TimestampMs;
  readonly native: NativeAsset;
};

/** The asset that fees are paid in. */
export type NativeAsset = {
  readonly symbol: string;
  readonly name: string;
  readonly decimals: number;
};

/** Where in the chain something is executed. */
export type BlockContext = {
  readonly suite: HashSuite;
  readonly state: MutableState;
  readonly height: Height;
  readonly timestampMs: TimestampMs;
};

/** What an action sees of the world. */
export type ActionContext = BlockContext & {
  readonly sender: Address;
  readonly transactionId: Hash;
  /** Place of the action in its transaction, 0 to 15. */
  readonly actionIndex: number;
  /** Says that something happened; `name` is one of the module's logs. */
  log(name: string, accounts: readonly Address[], fields: object): void;
};

/** What a field means to a person, so that sheets and explorers need not know the action. */
export type FieldRole =
  | 'account'
  | 'recipient'
  | 'asset'
  /** Smallest units of the asset named beside it, of the issued one, or of the native one. */
  | 'amount'
  | 'key'
  | 'key-id'
  | 'hint'
  | 'text'
  | 'number'
  | 'detail';

/** An action in words: a title that user interfaces translate, and the role of each field. */
export type ActionDescription = {
  readonly title: string;
  readonly fields: { readonly [field: string]: FieldRole };
};

/** The outcome of an action: undefined when it succeeded. */
export type ActionOutcome = ActionError | undefined;

/** One kind of action. Its number is permanent. */
export type ActionDefinition<Fields> = {
  /** 0 to 255, unique in its module. */
  readonly number: number;
  /** Second half of `module.action`. */
  readonly name: string;
  readonly fields: Codec<Fields>;
  /** How much weight it needs; may depend on what it does. */
  classOf(fields: Fields): ActionClass;
  /** Whose weight counts; the usual roles of the class when absent. */
  readonly roles?: readonly KeyRole[];
  /** Work beyond the transaction's own; genesis and parameters may set another price. */
  readonly gas: number;
  /** State keys that it will probably read, so that they can be loaded beforehand. */
  keysOf(context: { readonly suite: HashSuite; readonly sender: Address }, fields: Fields): Bytes[];
  /** Changes state. On failure the kernel undoes whatever it did. */
  execute(context: ActionContext, fields: Fields): ActionOutcome;
  readonly description: ActionDescription;
};

/** An action whose type of fields was forgotten: only its own codec makes its fields. */
export type AnyActionDefinition = ActionDefinition<never>;

/** Where the kernel learns whose signature counts, and notes that a sequence was used. */
export interface AccountService {
  load(
    state: StateView,
    address: Address,
  ): { readonly policy: KeyPolicy | undefined; readonly sequence: Sequence };
  /** Remembers a policy shown for the first time, and what its signing keys said. */
  recordSignatures(
    context: BlockContext,
    signed: {
      readonly address: Address;
      readonly policy: KeyPolicy;
      readonly keys: readonly SigningKey[];
    },
  ): void;
  advanceSequence(state: MutableState, address: Address): void;
  hints(
    suite: HashSuite,
    state: StateView,
    address: Address,
  ): readonly { readonly keyId: Hash; readonly hint: KeyHint }[];
  keysOf(address: Address): Bytes[];
}

/** Where the kernel takes fees. */
export interface FeeService {
  balance(state: StateView, address: Address): Amount;
  /** The balance must hold the amount. */
  debit(state: MutableState, address: Address, amount: Amount): void;
  credit(state: MutableState, address: Address, amount: Amount): void;
  /** Fees of a whole block: paid out, or destroyed when nobody is named. */
  settle(
    state: MutableState,
    fees: { readonly amount: Amount; readonly recipient: Address | undefined },
  ): void;
  keysOf(address: Address): Bytes[];
  settlementKeys(recipient: Address | undefined): Bytes[];
  /** Account and asset whose balance lives under a state key, if any. */
  parseBalanceKey(
    key: Uint8Array,
  ): { readonly address: Address; readonly asset: AssetId } | undefined;
  decodeBalance(value: Bytes | undefined): Amount;
}

/** What everyone pays and may use; read once a block, so a change holds from the next one. */
export type ChainParameters = {
  /** Native units for one gas. */
  readonly gasPrice: Amount;
  readonly gasPerTransaction: Gas;
  /** For each byte of the body, and of policies shown for the first time. */
  readonly gasPerByte: Gas;
  /** For each signature, its own bytes included. */
  readonly gasPerSignature: Gas;
  readonly blockGasMax: Gas;
  /** Longest validity window, in heights. */
  readonly validityHeightsMax: number;
  /** Receives the fees of each block; they are destroyed when absent. */
  readonly feeRecipient: Address | undefined;
  /** Prices of single actions where they differ from the modules' own. */
  readonly actionGas: readonly { readonly action: string; readonly gas: Gas }[];
};

/** Where the kernel learns the parameters of the chain. */
export interface ParameterService {
  load(state: StateView): ChainParameters;
  keysOf(): Bytes[];
}

/** Who decides the next height; without such a service those of genesis do for ever. */
export interface MembershipService {
  next(state: StateView, height: Height): Membership;
  keysOf(): Bytes[];
}

/** One noun of the ledger: everything about it in one folder. The kernel knows none of them. */
export type Module<Section = never> = {
  /** 1 to 255: first byte of its actions and of its state keys; permanent. */
  readonly number: number;
  readonly name: string;
  readonly actions: readonly AnyActionDefinition[];
  /** Codes with which its actions fail: closed, public, permanent. */
  readonly errors: readonly string[];
  /** Fields of its logs, by the second half of `module.log`. */
  readonly logs: { readonly [name: string]: Codec<object> };
  readonly genesis: {
    readonly section: Codec<Section>;
    /** Whether a genesis may do without this module's section. */
    readonly isOptional: boolean;
    /** Writes the first state; a refusal names its reason. */
    apply(context: GenesisContext, section: Section): { readonly reason: string } | undefined;
  };
  /** Runs before the first and after the last transaction of a block. */
  readonly hooks?: {
    begin?(context: BlockContext): void;
    end?(context: BlockContext): void;
    keysOf(): Bytes[];
  };
  readonly provides?: {
    readonly accounts?: AccountService;
    readonly fees?: FeeService;
    readonly parameters?: ParameterService;
    readonly membership?: MembershipService;
  };
};

/** A module whose type of genesis section was forgotten. */
export type AnyModule = Module<never>;

/** Lets an action's own functions see the exact type of its fields, and forgets it outside. */
export function defineAction<Fields>(definition: ActionDefinition<Fields>): AnyActionDefinition {
  // The registry hands a definition only fields that its own codec made.
  return definition as unknown as AnyActionDefinition;
}

/** As {@link defineAction}, for the fields of a log. */
export function defineLog<Fields extends object>(codec: Codec<Fields>): Codec<object> {
  // The module that declares a log is the only one that writes it.
  return codec as unknown as Codec<object>;
}

/** As {@link defineAction}, for the genesis section of a module. */
export function defineModule<Section>(module: Module<Section>): AnyModule {
  return module as unknown as AnyModule; // As above.
}
