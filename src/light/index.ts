export type { CheckpointTextError } from './checkpoint.ts';
export {
  checkpointCodeOf,
  formatCheckpoint,
  judgeCheckpoint,
  parseCheckpoint,
} from './checkpoint.ts';
export type { LightRefusalCode, LightRequestFailure } from './errors.ts';
export { claimsOf, isExpired, judgeLightBlock } from './judge.ts';
export { lightBlockAt, trustedHashAt } from './known.ts';
export type { LightLimits } from './limits.ts';
export {
  CLOCK_DRIFT_MS,
  LIGHT_BLOCKS_MAX,
  LIGHT_HEIGHTS_MAX,
  LIGHT_LIMITS,
  lightOptions,
  TRUSTING_PERIOD_MS,
} from './limits.ts';
export { waypoints } from './path.ts';
export { lightProgress } from './progress.ts';
export type { LightRules } from './rules.ts';
export { LIGHT_RULES } from './rules.ts';
export type { LightStart } from './step.ts';
export { createLight, step } from './step.ts';
export type {
  Checkpoint,
  CheckpointVerdict,
  HeightFailure,
  LightAnchor,
  LightAnswer,
  LightBlock,
  LightEffect,
  LightEvent,
  LightEvidence,
  LightFault,
  LightOptions,
  LightProgress,
  LightRequest,
  LightStage,
  LightState,
  LightTransition,
  LightVerdict,
  TrustedBlock,
} from './types.ts';
export {
  lightAnswerCodec,
  lightBlockCodec,
  lightEvidenceCodec,
  lightRequestCodec,
  trustedBlockCodec,
} from './types.ts';
