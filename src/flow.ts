/**
 * What happens to a ticket, top to bottom:
 *
 *     webhook -> accept -> sort -> run -> post
 *
 * 1. `acceptDelivery` checks a webhook request on its raw bytes and stores it with its nudge, in one transaction. The HTTP
 *    route answers after the commit; the board calls it inside its own transaction. What is only a hint, `readHints` reads
 *    again where it comes from, before it is sorted.
 * 2. `sortDeliveries` finds out what each delivery means, under its session's lock: it opens sessions, keeps what people
 *    said, queues a run, and writes the acknowledgement. It never waits for an agent.
 * 3. `workRuns` claims a run and works on it: prepares (ticket, repository, brief), lets the agent take turns in a sandboxed
 *    workspace, checks its claim to be finished (`finish`: the gate, then verification on a clean checkout), and concludes
 *    in one transaction with the effects that publish and report. Every step of it is in the journal.
 * 4. `postEffects` carries effects out, in order per session and lane, so that the outside sees each exactly once.
 *
 * Each of these drains its table until it is empty. A nudge tells it to look; nothing depends on the nudge.
 * Beside them, now and then: `reconcile` finds what webhooks missed, `wakeWaiting` begins what has nothing left to wait for,
 * tickets go with their pull requests (`followRequests`), questions that nobody answers (`heedQuestions`) or objects to (`heedSilence`) come to their end, and what nobody needs any
 * more is deleted.
 *
 * What the agent begins by itself: `workOrders` takes tickets that nobody has, `fileAutomations` files tickets by the clock,
 * `fileSummary` tells once a day what came of it. From there on they go the way of any other ticket.
 *
 * What people bring while they work: `makeTicket` files it at once where it can, `fileCaptures` files the rest. Errors that a source of
 * alerts tells of go the same way: `acceptDelivery` keeps which error it was, `fileAlerts` reads and files it, and follows it.
 */
export { type AcceptDeps, acceptDelivery, type DeliverySource } from './flow/accept.ts';
export { askForMissed } from './flow/ask-for-missed.ts';
export { askToScope } from './flow/ask-to-scope.ts';
export { type AutomationDeps, beginAutomation, fileAutomations, fileNoted, nameOf } from './flow/automations.ts';
export { type Baselines, createBaselines } from './flow/baselines.ts';
export { type CaptureDeps, makeTicket } from './flow/captures.ts';
export { type AlertDeps, fileAlerts, fileNamed } from './flow/file-alerts.ts';
export { fileCaptures } from './flow/file-captures.ts';
export { fileApproved } from './flow/file-parts.ts';
export { followRequests, type RequestDeps } from './flow/follow-requests.ts';
export { createHeart } from './flow/heart.ts';
export { keepOverviews } from './flow/overviews.ts';
export { type PostDeps, postEffects } from './flow/post.ts';
export { heedQuestions } from './flow/questions.ts';
export { limitCodeHost, limitTracker, type RateLimitDeps } from './flow/rate-limits.ts';
export { type ReadHintsDeps, readHints, rereadersOf } from './flow/read-hints.ts';
export { checkRepository } from './flow/readiness.ts';
export { reconcile } from './flow/reconcile.ts';
export { tellFates } from './flow/request-fates.ts';
export { deleteSpentRows, releaseWorkspaces } from './flow/retention.ts';
export { type RunDeps, workRuns } from './flow/run.ts';
export { type PreviewDeps, runPreviews } from './flow/run-previews.ts';
export { heedSilence } from './flow/silence.ts';
export { type SortDeps, sortDeliveries } from './flow/sort.ts';
export { candidates, dayOf, type OrderDeps, workOrders } from './flow/standing-orders.ts';
export { fileSummary, summaryNow } from './flow/summary.ts';
export { tellLockedOut } from './flow/tell-disconnected.ts';
export { tellPlaces, tellQuiet } from './flow/tell-waits.ts';
export { wakeWaiting } from './flow/wake-waiting.ts';
export { withSaid } from './flow/with-said.ts';
