import type { Agreement, AgreementDependencies, AgreementPart } from '../part.ts';
import { messagesFor } from './catch-up.ts';
import type { Instruments } from './rules.ts';
import { PAPER_RULES } from './rules.ts';
import { startThreePhase } from './state.ts';
import { stepThreePhase } from './step.ts';
import type { Parts } from './turn.ts';
import { viewOf } from './view.ts';

/** Tendermint's agreement (arXiv 1807.04938, Algorithm 1): propose, prevote, precommit. */
export function threePhaseAgreement(instruments: Instruments = {}): AgreementPart {
  return {
    name: 'three-phase',
    finality: 'instant',
    needsClosedMembership: true,
    needsKnownLeader: true,
    create: (dependencies) => createThreePhase(dependencies, instruments),
  };
}

function createThreePhase(
  { options, leader }: AgreementDependencies,
  instruments: Instruments,
): Agreement {
  const parts: Parts = {
    options,
    leader,
    rules: { ...PAPER_RULES, ...instruments.rules },
    onLabel: instruments.onLabel ?? (() => undefined),
  };
  return {
    start: startThreePhase,
    step: (state, event) => stepThreePhase(parts, state, event),
    messagesFor: (state, request) => messagesFor(parts, state, request),
    view: (state) => viewOf(parts, state),
  };
}
