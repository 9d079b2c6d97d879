import type { Trust } from '../hooks/client.ts';
import type { Fill } from './Phase.tsx';
import { Sign } from './Phase.tsx';

type Look = {
  readonly fill: Fill;
  readonly word: string;
  readonly tone: 'muted' | 'pending' | 'verified';
  readonly meaning: string;
};

const LOOKS: Record<Trust, Look> = {
  cached: {
    fill: 'dotted',
    word: 'Cached',
    tone: 'muted',
    meaning: 'What this browser knew last. It may have changed since.',
  },
  reported: {
    fill: 'quarter',
    word: 'Reported',
    tone: 'pending',
    meaning: 'Only one peer, or one host, says that nothing newer is there. No other was compared.',
  },
  proven: {
    fill: 'half',
    word: 'Proven',
    tone: 'verified',
    meaning: 'Checked here by a Merkle proof under a finality certificate.',
  },
  validated: {
    fill: 'full',
    word: 'Validated',
    tone: 'verified',
    meaning: 'This tab executed every block that led to it, and several peers stand there too.',
  },
};

/** What a trust level means, in a sentence. */
export function describeTrust(trust: Trust): string {
  return LOOKS[trust].meaning;
}

type TrustSignProps = { readonly trust: Trust; readonly note?: string | undefined };

/** How far a number may be believed, by shape, word and colour. */
export function TrustSign({ trust, note }: TrustSignProps) {
  const look = LOOKS[trust];
  return (
    <Sign fill={look.fill} word={look.word} tone={look.tone} note={note} title={look.meaning} />
  );
}
