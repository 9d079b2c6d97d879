import type { Fill } from './Phase.tsx';
import { Sign } from './Phase.tsx';

/** Where a transaction is. */
export type Stage = 'unknown' | 'signed' | 'seen' | 'included' | 'final' | 'failed' | 'expired';

type Look = {
  readonly fill: Fill;
  readonly word: string;
  readonly tone: 'muted' | 'pending' | 'verified' | 'danger';
};

const LOOKS: Record<Stage, Look> = {
  unknown: { fill: 'dotted', word: 'Not found', tone: 'muted' },
  signed: { fill: 'dotted', word: 'Signed', tone: 'pending' },
  seen: { fill: 'quarter', word: 'Seen', tone: 'pending' },
  included: { fill: 'half', word: 'Included', tone: 'pending' },
  final: { fill: 'full', word: 'Final', tone: 'verified' },
  failed: { fill: 'struck', word: 'Failed', tone: 'danger' },
  expired: { fill: 'struck', word: 'Expired', tone: 'danger' },
};

/** The word for a stage. */
export function wordOfStage(stage: Stage): string {
  return LOOKS[stage].word;
}

/** Signed → Seen → Included → Final, or Failed / Expired. */
export function StageSign({ stage, note }: { readonly stage: Stage; readonly note?: string }) {
  const look = LOOKS[stage];
  return <Sign fill={look.fill} word={look.word} tone={look.tone} note={note} />;
}
