export { fuzz, replay } from './harness/engine.ts';
export { TARGETS } from './harness/targets/index.ts';
export type { Finding, Report, Session, Target } from './harness/types.ts';
