import type { Json } from '../../base/index.ts';
import { isJsonObject } from '../../base/index.ts';
import { wordsOf } from './text.ts';
import { formatEta } from './time.ts';

/** Neutral words for a failure: what happened, and what a person can do. */
export type Wording = { readonly title: string; readonly advice: string };

const WORDS: { readonly [code: string]: Wording } = {
  'prompt-cancelled': {
    title: 'Nothing was signed',
    advice: 'The prompt was closed or timed out. Try again when you are ready.',
  },
  'webauthn-unavailable': {
    title: 'This browser cannot use keys here',
    advice: 'You can look at everything. To sign, open this address on a phone or another browser.',
  },
  'key-unknown': {
    title: 'That key does not belong to this account',
    advice: 'Choose the key that was registered for it, or sign in with its address.',
  },
  'account-not-found': {
    title: 'No account was found for this key',
    advice: 'Try another key, or create an account.',
  },
  'dead-end-policy': {
    title: 'This change would lock the account',
    advice: 'Nobody could act for it afterwards. Add another key first.',
  },
  'insufficient-balance': {
    title: 'There are not enough coins',
    advice: 'Lower the amount, or wait for incoming coins to be final.',
  },
  'fee-uncovered': {
    title: 'The balance does not cover the fee',
    advice: 'The fee would take all of it. Wait for incoming coins to be final.',
  },
  'symbol-reserved': {
    title: 'That symbol belongs to the coin of this network',
    advice: 'Choose another one, so that nobody takes one for the other.',
  },
  'sequence-used': {
    title: 'The account has moved on',
    advice: 'Another transaction of this account was executed first. Prepare it again.',
  },
  'sequence-gap': {
    title: 'An earlier transaction is missing',
    advice: 'Wait until the earlier one is included, then try again.',
  },
  expired: { title: 'It expired', advice: 'It was not included in time, and never can be now.' },
  'wrong-network': {
    title: 'This belongs to another network',
    advice: 'Its bytes name a different genesis. Nothing was sent.',
  },
  duplicate: { title: 'It was sent already', advice: 'The node knows this transaction.' },
  'fee-too-low': { title: 'The fee is too low', advice: 'Prepare it again at the current price.' },
  'mempool-full': { title: 'The network is busy', advice: 'Try again in a moment.' },
  'faucet-too-soon': {
    title: 'You had test coins a moment ago',
    advice: 'Each account may ask again after a while.',
  },
  'faucet-empty': { title: 'The faucet is empty', advice: 'Ask the operator of this network.' },
  'grant-failed': {
    title: 'The test coins did not come',
    advice: 'The transaction that brings them was not carried out. Ask again in a moment.',
  },
  'faucet-absent': {
    title: 'No faucet answered',
    advice: 'None of the nodes reached just now hands out test coins. Try again in a moment.',
  },
  'rate-limited': { title: 'Too many requests', advice: 'Wait a few seconds, then try again.' },
  'not-found': { title: 'Not found', advice: 'The ledger of this network holds no such thing.' },
  'height-pruned': {
    title: 'No longer kept here',
    advice: 'This tab keeps recent history only, and no peer gave it. An archive still has it.',
  },
  'height-unknown': { title: 'Not there yet', advice: 'This height has not been decided.' },
  'proof-unavailable': {
    title: 'No proof at the moment',
    advice: 'Neither this tab nor a peer could prove it just now. Try again in a moment.',
  },
  'light-expired': {
    title: 'Trust has run out',
    advice: 'What was trusted last is too old to prove newer blocks from. Nothing was changed.',
  },
  'checkpoint-malformed': {
    title: 'This is no checkpoint',
    advice: 'It is a height, a colon, and a hash of 64 digits and letters a to f.',
  },
  'checkpoint-wrong-network': {
    title: 'This block is of another network',
    advice: 'Nothing was changed. Ask for a checkpoint of the network that this app is for.',
  },
  'checkpoint-conflicts': {
    title: 'This tab knows another block of that height',
    advice:
      'It was executed or proven here, so one of the two is wrong. Nothing was changed. Ask ' +
      'somebody else too before you trust either.',
  },
  'checkpoint-expired': {
    title: 'This block is too old itself',
    advice: 'Nothing was changed. Ask for a newer checkpoint.',
  },
  'checkpoint-invalid': {
    title: 'This block breaks a rule of the network',
    advice: 'Nothing was changed. Whoever gave it to you was mistaken, or lied.',
  },
  'checkpoint-unserved': {
    title: 'No peer shows this block',
    advice:
      'Nothing was changed. They may hold another one of that height, or not have it yet. ' +
      'Compare each letter, add a relay, or try again in a moment.',
  },
  'light-alarm': {
    title: 'Two different blocks are certified',
    advice: 'Nothing newer is trusted until that is settled. The Node page has the evidence.',
  },
  'mode-unavailable': {
    title: 'This node cannot run like that',
    advice: 'A node that decides blocks has to execute them. The mode stays as it was.',
  },
  'mode-needs-reset': {
    title: 'Blocks of before are missing here',
    advice: 'An archive holds every block since genesis: this one has to be read anew for that.',
  },
  'store-held': {
    title: 'The stored data are not open yet',
    advice: 'What you chose would be forgotten. Nothing was changed: try again when they are open.',
  },
  'node-not-ready': { title: 'The node is starting', advice: 'It answers in a moment.' },
  'node-stopped': { title: 'The node has stopped', advice: 'Reload the page to start it again.' },
  'leader-changed': {
    title: 'Another tab took over the node',
    advice: 'The question was lost on the way. Try again.',
  },
  'store-full': {
    title: 'This device is out of space',
    advice: 'Free some space. Your account is safe on the ledger.',
  },
  'store-failed': {
    title: 'This browser could not write its data',
    advice: 'Your account is safe on the ledger. Reload, or reset the node.',
  },
  'store-corrupt': {
    title: 'Stored data are damaged',
    advice: 'Your account is safe on the ledger. Reload: what is damaged is read again from peers.',
  },
  'page-corrupt': {
    title: 'A part of the stored state is damaged',
    advice:
      'Your account is safe on the ledger. No peer that could be asked has that part as it was. ' +
      'Try again in a minute, or reset the node on the Node page: it takes the state from peers.',
  },
  'store-vanished': {
    title: 'This browser deleted local data',
    advice: 'Your account is safe on the ledger. Reload: the blocks are read again from peers.',
  },
  'store-unreliable': {
    title: 'Stored data are damaged again and again',
    advice: 'Your account is safe on the ledger. The disk of this device may be failing.',
  },
  'store-in-use': {
    title: 'Another tab has the data now',
    advice: 'This tab attaches to it by itself. Reload if it does not.',
  },
  'store-too-new': {
    title: 'A newer version wrote the data here',
    advice: 'Reload to get the newest version of the app.',
  },
  'relay-unreachable': { title: 'No answer from that relay', advice: 'Check its address.' },
  'relay-address-invalid': {
    title: 'That is no relay address',
    advice: 'It looks like /dns4/relay.example/tcp/443/tls/ws/p2p/12D3….',
  },
  'network-file-missing': {
    title: 'This origin serves no network',
    advice: 'It gave no genesis document. Reload, or ask whoever runs it.',
  },
  'network-file-malformed': {
    title: 'The genesis document cannot be read',
    advice: 'Reload, or ask whoever runs this origin.',
  },
  'key-exists': {
    title: 'This device holds a key of the account already',
    advice: 'Use another device or security key.',
  },
  'recovery-failed': {
    title: 'The two signatures came from different keys',
    advice: 'Choose the same key both times.',
  },
  'weight-too-low': {
    title: 'More keys have to agree',
    advice: 'The keys in this browser do not weigh enough for this.',
  },
  'timed-out': { title: 'No answer in time', advice: 'Try again in a moment.' },
  'connection-failed': { title: 'The connection broke', advice: 'It comes back by itself.' },
  'origin-not-allowed': {
    title: 'This key belongs to another address of the web',
    advice: 'Open the page that it was made on.',
  },
  'import-malformed': { title: 'This file was not made here', advice: 'Nothing was changed.' },
  aborted: { title: 'Cancelled', advice: 'Nothing was changed.' },
  'internal-error': {
    title: 'Something went wrong in this node',
    advice: 'Reload the page. The diagnostic bundle on the Node page says more.',
  },
};

/** The one place where codes become sentences. An unknown code is shown, never hidden. */
export function describeError(error: {
  readonly code: string;
  readonly facts?: Json | undefined;
}): Wording {
  const known = WORDS[error.code];
  const waitMs = isJsonObject(error.facts) ? error.facts.retryAfterMs : undefined;
  if (known !== undefined && typeof waitMs === 'number' && waitMs > 0) {
    return { ...known, advice: `Ask again in ${formatEta(waitMs)}.` };
  }
  if (known !== undefined) return known;
  return { title: wordsOf(error.code), advice: `Nothing was changed. Code: ${error.code}.` };
}

/** Why an address cannot be one, with the place of the mistake where there is one. */
export function describeAddressError(error: {
  readonly code: string;
  readonly position?: number;
  readonly length?: number;
}): string {
  switch (error.code) {
    case 'address-prefix-wrong':
      return 'Addresses of this network begin with tab1.';
    case 'address-character-invalid':
      return `Character ${(error.position ?? 0) + 1} is in no address: none holds b, i or o.`;
    case 'address-length-wrong':
      return `An address has 62 characters; this has ${error.length ?? 0}.`;
    case 'address-mixed-case':
      return 'Capital and small letters are mixed. Copy it again.';
    default:
      return 'One or more characters are wrong: the checksum does not fit.';
  }
}
