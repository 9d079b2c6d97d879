import type { Result } from '../base/index.ts';
import { equalBytes, fail, formatHex, ok, parseHex } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import { blockHashOf, certifies, totalPower } from '../ledger/index.ts';
import {
  changeError,
  claimsOf,
  headersError,
  isExpired,
  membershipsError,
  signersOf,
} from './judge.ts';
import { LIGHT_RULES } from './rules.ts';
import type {
  Checkpoint,
  CheckpointVerdict,
  LightAnchor,
  LightBlock,
  LightOptions,
  TrustedBlock,
} from './types.ts';

/** Why a text is no checkpoint: its form, or its height, that no chain has. */
export type CheckpointTextError = {
  readonly code: 'checkpoint-malformed';
  readonly at: 'form' | 'height' | 'hash';
};

/** The longest text: a height that a number holds, a colon, and a hash of 32 bytes. */
const TEXT_LENGTH_MAX = 16 + 1 + 64;

/** `HEIGHT:HASH`, the height in decimal, the hash in lower-case hexadecimal. */
export function formatCheckpoint({ height, hash }: Checkpoint): string {
  return `${height}:${formatHex(hash)}`;
}

/**
 * Reads `HEIGHT:HASH` as a person pastes it: blanks around it and capital letters do not matter,
 * everything else does.
 */
export function parseCheckpoint(text: string): Result<Checkpoint, CheckpointTextError> {
  const error = (at: CheckpointTextError['at']) =>
    fail({ code: 'checkpoint-malformed', at } as const);
  const trimmed = text.trim();
  if (trimmed.length > TEXT_LENGTH_MAX) return error('form');
  const parts = trimmed.toLowerCase().split(':');
  const [before = '', after = ''] = parts;
  if (parts.length !== 2) return error('form');
  const number = Number(before);
  if (!/^(0|[1-9][0-9]*)$/.test(before) || !Number.isSafeInteger(number)) return error('height');
  const bytes = parseHex(after);
  if (!bytes.ok || bytes.value.length !== 32) return error('hash');
  // A whole number that is not negative, and 32 bytes.
  return ok({ height: number as Height, hash: bytes.value as Hash });
}

/**
 * Whether a light block is the one that a checkpoint names, and whole: what it says of its members
 * is bound to that hash, and more than 2/3 of their power signed it. Who they are is believed
 * because of who gave the checkpoint; where members never change they must be those of genesis.
 */
export function judgeCheckpoint(
  anchor: LightAnchor,
  checkpoint: Checkpoint,
  candidate: LightBlock,
  at: { readonly genesis: TrustedBlock; readonly nowMs: number; readonly options: LightOptions },
): CheckpointVerdict {
  const { header, certificate, membership, nextMembership = membership } = candidate;
  const { genesis, nowMs, options } = at;
  const { hash, height } = checkpoint;
  const isNamed = header.height === height && equalBytes(blockHashOf(anchor.suite, header), hash);
  if (!isNamed) return { kind: 'refused', code: 'another-block' };
  // First: beyond it only what the hash binds is judged, and no peer can make a good one look bad.
  if (!equalBytes(header.parentHash, blockHashOf(anchor.suite, candidate.parent))) {
    return { kind: 'refused', code: 'parent-mismatch' };
  }
  const refusal =
    headersError(anchor, candidate) ??
    changeError(genesis, candidate, options) ??
    membershipsError(anchor, candidate, LIGHT_RULES);
  if (refusal !== undefined) return { kind: 'refused', code: refusal };
  const trusted: TrustedBlock = { header, hash, membership, nextMembership };
  if (header.timestampMs >= nowMs + options.clockDriftMs) {
    return { kind: 'refused', code: 'from-the-future' };
  }
  if (isExpired(trusted, nowMs, options)) return { kind: 'refused', code: 'trust-expired' };
  if (!certifies(certificate, { hash, height })) {
    return { kind: 'refused', code: 'certificate-mismatch' };
  }
  const signers = signersOf(membership, certificate);
  if (typeof signers === 'string') return { kind: 'refused', code: signers };
  if (!LIGHT_RULES.hasQuorum(signers.power, totalPower(membership))) {
    return { kind: 'refused', code: 'certificate-power-too-low' };
  }
  return { kind: 'to-verify', claims: claimsOf(anchor, candidate), trusted };
}

/** By what name people and programs are told why the block of a checkpoint is refused. */
export function checkpointCodeOf(
  code: Exclude<Extract<CheckpointVerdict, { readonly kind: 'refused' }>['code'], 'another-block'>,
): 'checkpoint-wrong-network' | 'checkpoint-expired' | 'checkpoint-invalid' {
  switch (code) {
    case 'wrong-network':
      return 'checkpoint-wrong-network';
    case 'trust-expired':
      return 'checkpoint-expired';
    default:
      return 'checkpoint-invalid';
  }
}
