import type { Operation } from '../../src/core/effect.ts';
import type { StepKind } from '../../src/core/step.ts';

/**
 * Every kind of step and of effect there is: one that is added to the union and not here does not compile, and one that no
 * ticket of the crash tests passes through fails them, since each of its points must be seen to be reached.
 */
const stepKinds: Record<StepKind, true> = { model: true, tool: true, verify: true };
const effectKinds: Record<Operation['kind'], 'any' | 'split' | 'none'> = {
  postActivity: 'any',
  updatePlan: 'any',
  moveTicket: 'any',
  attachPullRequest: 'any',
  linkSession: 'any',
  pushBranch: 'any',
  openPullRequest: 'any',
  // By tickets that are split.
  createTicket: 'split',
  takeTicket: 'split',
  // Their tracker has one place to talk; sent twice and by another process in test/trackers/linear/leave.test.ts.
  leaveConversation: 'none',
  // No standing order picks a ticket here, and nobody corrects the agent: killed in test/e2e/own-work.test.ts and corrections.test.ts.
  releaseTicket: 'none',
  pushFile: 'none',
  // Its repositories have no checks and reviews: killed in test/e2e/github-killed.test.ts.
  replyToRemark: 'none',
  acknowledgeRemark: 'none',
  showStatus: 'none',
  deleteBranch: 'none',
  pushRevert: 'none',
  // They have no tool server that takes pictures: killed in test/e2e/screenshots.test.ts.
  pushEvidence: 'none',
  attachFile: 'none',
};

/** One kind after the other at each moment: a run whose workers fall at one and the same step is given up, and rightly. */
export const stepPoints = ['before', 'begun', 'mid', 'worked', 'after'].flatMap((moment) =>
  Object.keys(stepKinds).map((kind) => `step/${kind}/${moment}`),
);
/** `mid` lies between the last look at the lease and the request. */
const effectPoints = (by: 'any' | 'split') =>
  ['before', 'mid', 'after', 'settled'].flatMap((moment) =>
    Object.entries(effectKinds).flatMap(([kind, played]) => (played === by ? [`effect/${kind}/${moment}`] : [])),
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

export const allPoints = [...otherPoints, ...stepPoints, ...effectPoints('any')];
/** Of a ticket that is split, and of its parts. */
export const splitPoints = [...effectPoints('split'), 'conclude/before', 'conclude/mid', 'conclude/after'];
