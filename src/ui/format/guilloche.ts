/**
 * Engraved figures, as on banknotes, drawn from 32 bytes: equal bytes give equal figures, and two
 * random addresses rarely look alike. An aid for the eye, never a check.
 */
export type Guilloche = {
  /** Paths in a box of 100 × 100 around its middle, strongest first. */
  readonly paths: readonly { readonly d: string; readonly weight: 'fine' | 'bold' }[];
  /** Which of the six inks. */
  readonly ink: number;
};

const MIDDLE = 50;
export const INK_COUNT = 6;

/**
 * Draws the figure of some bytes. `detail` is `full` from about 48 px on; `small` keeps the inner
 * rosette and one ring, which remain legible at 20 px.
 */
export function guilloche(bytes: Uint8Array, detail: 'full' | 'small'): Guilloche {
  const at = (index: number) => bytes[index % Math.max(1, bytes.length)] ?? 0;
  const lobes = 5 + (at(0) % 8);
  const swing = 0.24 + (at(1) % 5) * 0.06;
  const phase = (at(2) / 255) * Math.PI * 2;
  const bandLobes = 14 + (at(3) % 15);
  const bandDepth = 3.4 + (at(4) % 4) * 0.9;
  const star = starOf(at(5), at(6), phase);
  const ink = at(7) % INK_COUNT;
  if (detail === 'small') {
    return {
      paths: [
        { d: rosette({ radius: 27, lobes, swing, phase, points: 96 }), weight: 'bold' },
        { d: rosette({ radius: 44, lobes: 0, swing: 0, phase, points: 48 }), weight: 'bold' },
      ],
      ink,
    };
  }
  const paths: { d: string; weight: 'fine' | 'bold' }[] = [];
  const strands = 3 + (at(8) % 2);
  for (let strand = 0; strand < strands; strand++) {
    const shift = phase + (strand * 2 * Math.PI) / strands;
    const swingBand = bandDepth / 41;
    paths.push({
      d: rosette({ radius: 41, lobes: bandLobes, swing: swingBand, phase: shift, points: 220 }),
      weight: 'fine',
    });
  }
  const turns = 3 + (at(9) % 3);
  for (let turn = 0; turn < turns; turn++) {
    paths.push({
      d: rosette({
        radius: 24 - turn * (1.6 + (at(10) % 3) * 0.5),
        lobes,
        swing,
        phase: phase + (turn * Math.PI) / (lobes * (1.2 + (at(11) % 3) * 0.4)),
        points: 180,
      }),
      weight: 'fine',
    });
  }
  paths.push({ d: star, weight: 'fine' });
  paths.push({
    d: rosette({ radius: 47.5, lobes: 0, swing: 0, phase, points: 72 }),
    weight: 'bold',
  });
  return { paths, ink };
}

type Rosette = {
  readonly radius: number;
  readonly lobes: number;
  /** Part of the radius by which the lobes swing. */
  readonly swing: number;
  readonly phase: number;
  readonly points: number;
};

function rosette({ radius, lobes, swing, phase, points }: Rosette): string {
  const parts: string[] = [];
  for (let step = 0; step < points; step++) {
    const angle = (step / points) * Math.PI * 2;
    const reach = radius * (1 + swing * Math.sin(lobes * angle + phase));
    parts.push(pointOf(angle, reach));
  }
  return `M${parts.join('L')}Z`;
}

/** Stars in one stroke: how many corners, and how many of them each line may skip. */
const STARS: readonly (readonly [corners: number, skips: readonly number[]])[] = [
  [5, [2]],
  [7, [2, 3]],
  [8, [3]],
  [9, [2, 4]],
  [11, [2, 3, 4, 5]],
];

function starOf(cornerByte: number, skipByte: number, phase: number): string {
  const [corners, skips] = STARS[cornerByte % STARS.length] ?? [5, [2]];
  const skip = skips[skipByte % skips.length] ?? 2;
  const parts: string[] = [];
  for (let corner = 0; corner < corners; corner++) {
    parts.push(pointOf(phase + ((corner * skip) / corners) * Math.PI * 2, 9));
  }
  return `M${parts.join('L')}Z`;
}

function pointOf(angle: number, reach: number): string {
  const x = MIDDLE + reach * Math.cos(angle);
  const y = MIDDLE + reach * Math.sin(angle);
  return `${x.toFixed(1)} ${y.toFixed(1)}`;
}
