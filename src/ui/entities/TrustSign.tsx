import type { Standing } from '../format/standing.ts';
import type { Fill } from './Phase.tsx';
import { Sign } from './Phase.tsx';

type Look = {
  readonly fill: Fill;
  readonly word: string;
  readonly tone: 'muted' | 'pending' | 'verified';
  readonly meaning: string;
};

const LOOKS: Record<Standing, Look> = {
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
    meaning: 'One host alone says so, or certified blocks contradict each other: in doubt.',
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
    meaning:
      'This tab executed the newest blocks itself, on a state proven to it; ' +
      'several peers stand there too.',
  },
  genesis: {
    fill: 'full',
    word: 'Genesis',
    tone: 'verified',
    meaning: 'It stands in the document whose hash is the name of this network.',
  },
  counted: {
    fill: 'ring',
    word: 'Counted here',
    tone: 'muted',
    meaning: 'This device counted it itself. It says nothing about the ledger.',
  },
  stated: {
    fill: 'ring',
    word: 'As written',
    tone: 'muted',
    meaning: 'What stands in the bytes, or was typed. It says nothing about the ledger.',
  },
};

/** The word of a standing, for where no sign can be drawn. */
export function wordOfStanding(standing: Standing): string {
  return LOOKS[standing].word;
}

/** What a standing means, in a sentence. */
export function describeStanding(standing: Standing): string {
  return LOOKS[standing].meaning;
}

type TrustSignProps = { readonly trust: Standing; readonly note?: string | undefined };

/** How far a number may be believed, by shape, word and colour. */
export function TrustSign({ trust, note }: TrustSignProps) {
  const look = LOOKS[trust];
  return (
    <Sign
      fill={look.fill}
      word={look.word}
      tone={look.tone}
      note={note}
      title={look.meaning}
      trust={trust}
    />
  );
}
