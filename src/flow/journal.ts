import type { Activity } from '../core/activity.ts';
import type { Evidence } from '../core/evidence.ts';
import type { Image } from '../core/message.ts';
import type { Plan } from '../core/plan.ts';
import type { RatingRecord } from '../core/scope.ts';
import type { Journal, StepKind, StepOptions, StepRecord, StepScope } from '../core/step.ts';
import { VendorError } from '../core/vendor-error.ts';
import type { Failpoint } from '../lib/failpoint.ts';
import { toJson } from '../lib/json.ts';
import { addActivities, type Stage, savePlan } from '../store/activities.ts';
import type { Database } from '../store/database.ts';
import { addEvidence } from '../store/evidence.ts';
import { markRead } from '../store/prompts.ts';
import { addRatings } from '../store/ratings.ts';
import type { ClaimedRun } from '../store/runs.ts';
import { isOverLimit, type Payers, refusalOf, releaseReservation } from '../store/spending.ts';
import { beginStep, completeStep, stepIdOf } from '../store/steps.ts';
import type { Usage } from '../store/usage.ts';

export interface JournalOptions {
  db: Database;
  run: ClaimedRun;
  /** What earlier attempts and runs wrote; the journal appends to it. */
  steps: StepRecord[];
  conversation(): Stage['conversation'];
  /** Called after a commit that wrote effects. */
  wakePost(): void;
  /** When a model step has begun, so that its request is about to leave. */
  modelAsked(): void;
  /** Before a model step begins, and before a tool that may change files begins: the workspace's snapshots hang here. */
  beforeModel(): void;
  beforeWrite(): Promise<void>;
  afterWrite(step: StepRecord): void;
  failpoint: Failpoint;
  /** Whom model calls are charged to. */
  payers: Payers;
  /** What the model is shown from now on: an image that a tool answered. */
  shown(hash: string, image: Image): void;
  /** Milliseconds that the run has been worked on. */
  worked(): number;
}

/** What a step's work recorded, kept in memory until the step completes. */
interface Recorded {
  activities: Activity[];
  plans: Plan[];
  evidence: Evidence[];
  contents: Map<string, Uint8Array>;
  ratings: RatingRecord[];
  usage: Usage[];
}

/**
 * The journal over PostgreSQL. Both writes of a step, begun and completed, hold the run's row and check its attempt: a worker
 * that was taken over writes nothing more, whatever it still does.
 */
export function createJournal(options: JournalOptions): Journal {
  const { db, run, steps, wakePost, failpoint, payers } = options;
  // Who only rates a ticket says nothing on it.
  const shows = <T>(what: T[]): T[] => (run.purpose === 'scope' ? [] : what);
  const worked = () => Math.round(options.worked());
  const byKey = new Map(steps.filter((step) => step.runId === run.id).map((step) => [step.key, step]));

  async function begin(kind: StepKind, key: string, input: unknown, options: StepOptions): Promise<StepRecord> {
    const { reads = [], readOnly = false, reserve } = options;
    const announce = shows(options.announce ?? []);
    const step = { kind, key, input, readOnly };
    const spending = reserve && { reserve, payers };
    if (announce.length + reads.length === 0) return beginStep(db, run, step, spending);
    const begun = await db.transaction().execute(async (tx) => {
      const begun = await beginStep(tx, run, step, spending);
      await markRead(tx, reads, begun.id);
      await addActivities(tx, stageOf(begun), `${run.number}/${key}/begun`, announce);
      return begun;
    });
    if (announce.length > 0) wakePost();
    return begun;
  }

  async function complete(step: StepRecord, result: unknown, recorded: Recorded): Promise<void> {
    const { evidence, contents, ratings, usage } = recorded;
    const [activities, plans] = [shows(recorded.activities), shows(recorded.plans)];
    const causes = `${run.number}/${step.key}`;
    const shown = activities.length + plans.length;
    if (shown + evidence.length + ratings.length === 0) return completeStep(db, run, step.id, result, usage, worked());
    const where = { sessionId: run.sessionId, runId: run.id, stepId: step.id, key: step.key };
    await db.transaction().execute(async (tx) => {
      await completeStep(tx, run, step.id, result, usage, worked());
      await addEvidence(tx, where, evidence, contents);
      await addRatings(tx, where, ratings);
      for (const [index, plan] of plans.entries()) await savePlan(tx, stageOf(step), `${causes}/${index}`, plan);
      await addActivities(tx, stageOf(step), causes, activities);
    });
    if (shown > 0) wakePost();
  }

  function stageOf(step: StepRecord): Stage {
    return { sessionId: run.sessionId, runId: run.id, stepId: step.id, conversation: options.conversation() };
  }

  return {
    runId: run.id,
    history: () => steps,
    async step(kind, key, input, work, stepOptions = {}) {
      const known = byKey.get(key);
      if (known?.completed) return known.result as never;
      const writes = kind === 'tool' && !stepOptions.readOnly;
      if (kind === 'model') options.beforeModel();
      if (writes) await options.beforeWrite();
      failpoint(`step/${kind}/before`);
      const begun = await begin(kind, key, input, stepOptions).catch(async (error: unknown) => {
        throw isOverLimit(error) ? await refusalOf(db, stepIdOf(run, key), payers) : error;
      });
      failpoint(`step/${kind}/begun`);
      if (kind === 'model') options.modelAsked();
      if (!known) {
        steps.push(begun);
        byKey.set(key, begun);
      }
      const record = known ?? begun;
      record.input = begun.input;
      const recorded: Recorded = {
        activities: [],
        plans: [],
        evidence: [],
        contents: new Map(),
        ratings: [],
        usage: [],
      };
      // As it will be read back: a run that goes on and one that was resumed must see the same.
      const working = work(recorderOf(recorded), begun.input as never);
      failpoint(`step/${kind}/mid`);
      const done = await working.catch(async (error: unknown) => {
        // Nobody asks money for what was refused; a reply that broke off was paid for, and counts when the call is made again.
        const isFree = error instanceof VendorError && error.code !== 'cut_stream';
        if (kind === 'model' && isFree) await releaseReservation(db, run, begun.id).catch(() => {});
        throw error;
      });
      const result = JSON.parse(toJson(done ?? null));
      failpoint(`step/${kind}/worked`);
      await complete(begun, result, recorded);
      for (const item of recorded.evidence) {
        const content = item.type === 'file' ? recorded.contents.get(item.path) : undefined;
        if (content && item.type === 'file' && item.shown !== undefined)
          options.shown(item.shown, { mediaType: item.mediaType, data: Buffer.from(content).toString('base64') });
      }
      failpoint(`step/${kind}/after`);
      record.completed = true;
      record.result = result;
      if (writes) options.afterWrite(record);
      return result;
    },
  };
}

function recorderOf(recorded: Recorded): StepScope {
  return {
    report: (activity) => void recorded.activities.push(activity),
    plan: (plan) => void recorded.plans.push(plan),
    evidence(evidence, content) {
      recorded.evidence.push(evidence);
      if (content && evidence.type === 'file') recorded.contents.set(evidence.path, content);
    },
    rating: (rating) => void recorded.ratings.push(rating),
    usage: (usage) => void recorded.usage.push(usage),
  };
}
