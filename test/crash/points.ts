import type { Operation } from '../../src/core/effect.ts';
import type { StepKind } from '../../src/core/step.ts';

/**
 * Every kind of step and of effect there is: one that is added to the union and not here does not compile, and one that no
 * ticket of the crash tests passes through fails them, since each of its points must be seen to be reached.
 */
const stepKinds: Record<StepKind, true> = { model: true, tool: true, verify: true };
const effectKinds: Record<Operation['kind'], boolean> = {
  postActivity: true,
  updatePlan: true,
  moveTicket: true,
  attachPullRequest: true,
  pushBranch: true,
  openPullRequest: true,
  // No ticket of these tests has sub-tickets; theirs are killed in test/e2e/dependencies-killed.test.ts.
  createTicket: false,
  takeTicket: false,
  releaseTicket: false,
  // Nobody corrects the agent here; killed in test/e2e/corrections.test.ts.
  pushFile: false,
};

/** One kind after the other at each moment: a run whose workers fall at one and the same step is given up, and rightly. */
export const stepPoints = ['before', 'begun', 'mid', 'worked', 'after'].flatMap((moment) =>
  Object.keys(stepKinds).map((kind) => `step/${kind}/${moment}`),
);
/** `mid` lies between the last look at the lease and the request. */
export const effectPoints = Object.entries(effectKinds).flatMap(([kind, isPlayed]) =>
  isPlayed ? ['before', 'mid', 'after', 'settled'].map((moment) => `effect/${kind}/${moment}`) : [],
);
/** Moments that belong to no kind. */
const otherPoints = [
  'accept/mid',
  'accept/after',
  'sort/before',
  'sort/mid',
  'sort/after',
  'run/claimed',
  'snapshot/taken',
  'snapshot/stored',
  'conclude/before',
  'conclude/mid',
  'conclude/after',
];

export const allPoints = [...otherPoints, ...stepPoints, ...effectPoints];
