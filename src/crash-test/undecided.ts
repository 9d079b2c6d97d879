import type { Judges } from './dead-store.ts';
import { judgeDatabase } from './dead-store.ts';
import { expectThat, pause, until } from './failure.ts';
import type { Observer } from './observer.ts';
import type { Payments } from './payments.ts';
import type { Random } from './random.ts';
import type { RelayProcess } from './validator.ts';

/** A network whose next height one validator's death leaves undecided. */
export type Scene = {
  readonly validators: readonly RelayProcess[];
  readonly victim: RelayProcess;
  readonly payments: Payments;
  readonly observer: Observer;
  readonly judges: Judges;
};

/** How a scene ended. */
export type SceneEnd = {
  readonly words: string;
  /** Whether the victim started with votes of its own at a height that nobody had decided. */
  readonly isUndecided: boolean;
};

/** A vote for a block is waited for this long; other proposers are tried then. */
const BLOCK_VOTE_MS_MAX = 4_000;
const TRIES_MAX = 12;
/** Messages that were on their way when the others were paused have arrived by then. */
const SETTLING_MS = 250;

/**
 * Pauses one of the others, so that nothing is decided without the victim; `killed` arms a crash
 * point, and returns when the victim is dead the height that it told last.
 */
export async function dieWithoutSpare(
  scene: Scene,
  random: Random,
  killed: () => Promise<number>,
): Promise<SceneEnd> {
  await pauseSome(scene, [random.pick(othersOf(scene))]);
  try {
    return await startAlone(scene, await killed());
  } finally {
    resumeAll(scene);
  }
}

/**
 * Pauses two of the others, so that nothing at all is decided, and kills the victim once it voted
 * for a block: one that forgets this vote and hears of no block votes for none.
 */
export async function dieAfterBlockVote(scene: Scene, random: Random): Promise<SceneEnd> {
  const { victim } = scene;
  try {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const others = othersOf(scene);
      const kept = random.pick(others);
      await pauseSome(
        scene,
        others.filter((each) => each !== kept),
      );
      if (await votesForBlock(victim)) break;
      // Whoever should have proposed is paused: the next height has another proposer.
      resumeAll(scene);
      const { head } = await victim.client.call('node.status', {});
      await until('a further block', async () => {
        const told = await victim.client.call('node.status', {});
        return told.head.height > head.height;
      });
    }
    const { head } = await victim.client.call('node.status', {});
    victim.kill();
    await victim.ended();
    const end = await startAlone(scene, head.height);
    expectThat(end.isUndecided, `no vote of its own at an undecided height: ${end.words}`);
    return end;
  } finally {
    resumeAll(scene);
  }
}

function othersOf({ validators, victim }: Scene): readonly RelayProcess[] {
  return validators.filter((each) => each !== victim);
}

function pauseSome({ payments }: Scene, some: readonly RelayProcess[]): Promise<void> {
  return payments.between(() => {
    for (const each of some) each.pause();
  });
}

function resumeAll({ validators }: Scene): void {
  for (const each of validators) each.resume();
}

/** Its prevote in the round where it is: `none` before it voted. */
async function prevoteOf({ client }: RelayProcess) {
  const { height, validators, ownIndex } = await client.call('node.consensus', {});
  const prevote = ownIndex === undefined ? 'none' : (validators[ownIndex]?.prevote ?? 'none');
  return { height, prevote };
}

/** Whether it voted for a block at a height that stays undecided. */
async function votesForBlock(victim: RelayProcess): Promise<boolean> {
  const endMs = performance.now() + BLOCK_VOTE_MS_MAX;
  while (performance.now() < endMs) {
    const seen = await prevoteOf(victim);
    if (seen.prevote === 'nil') return false;
    await pause(SETTLING_MS);
    const again = await prevoteOf(victim);
    const isStuck = again.height === seen.height && again.prevote === seen.prevote;
    if (isStuck && seen.prevote === 'block') return true;
  }
  return false;
}

/**
 * Starts the victim where nobody tells it what was proposed or voted, until it voted. Whether this
 * contradicts what it said before is the vote book's to say.
 */
async function startAlone(scene: Scene, told: number): Promise<SceneEnd> {
  const { victim, judges, observer } = scene;
  const rest = othersOf(scene).filter(({ isAnswering }) => isAnswering);
  const heads = await Promise.all(
    rest.map(async ({ client }) => (await client.call('node.status', {})).head.height),
  );
  // A validator that just woke up compares its head before it signs: somebody has to tell one.
  if (rest[0] !== undefined) await observer.speakFor(rest[0].peerAddress);
  await pauseSome(scene, rest);
  try {
    const dead = await judgeDatabase(victim.database, judges);
    expectThat(dead >= told, `it told ${told} and holds ${dead}`);
    const own = judges.votes.lastOwn.filter(({ height }) => height === dead + 1);
    const opened = await victim.open();
    expectThat(opened >= dead, `opened at ${opened} with ${dead} stored`);
    const words = `head ${dead}, ${own.length} own votes at the next height`;
    const isUndecided = heads.every((height) => height <= dead);
    if (!isUndecided) return { words: `${words}, decided without it`, isUndecided };
    await observer.meet(victim.peerAddress);
    await until('the victim votes', async () => (await prevoteOf(victim)).prevote !== 'none');
    return { words: `${words}, voted alone`, isUndecided: own.length > 0 };
  } finally {
    observer.fallSilent();
  }
}
