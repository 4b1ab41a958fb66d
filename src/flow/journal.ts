import type { Activity } from '../core/activity.ts';
import type { Evidence } from '../core/evidence.ts';
import type { Plan } from '../core/plan.ts';
import type { Journal, StepKind, StepOptions, StepRecord, StepScope } from '../core/step.ts';
import { addActivities, type Stage, savePlan } from '../store/activities.ts';
import type { Database } from '../store/database.ts';
import { addEvidence } from '../store/evidence.ts';
import { markRead } from '../store/prompts.ts';
import { type ClaimedRun, holdRun } from '../store/runs.ts';
import { beginStep, completeStep } from '../store/steps.ts';
import { addUsage, type Usage } from '../store/usage.ts';

export interface JournalOptions {
  db: Database;
  run: ClaimedRun;
  /** What earlier attempts and runs wrote; the journal appends to it. */
  steps: StepRecord[];
  conversation(): Stage['conversation'];
  /** Called after a commit that wrote effects. */
  wakePost(): void;
  /** When a model step has begun, so that its request is about to leave. */
  modelAsked?(): void;
  /** Before a model step begins, and before a tool that may change files begins: the workspace's snapshots hang here. */
  beforeModel?(): void;
  beforeWrite?(): Promise<void>;
  afterWrite?(step: StepRecord): void;
}

/** What a step's work recorded, kept in memory until the step completes. */
interface Recorded {
  activities: Activity[];
  plans: Plan[];
  evidence: Evidence[];
  contents: Map<string, Uint8Array>;
  usage: Usage[];
}

/**
 * The journal over PostgreSQL. Both writes of a step, begun and completed, are transactions that hold the run's row and
 * check its attempt: a worker that was taken over writes nothing more, whatever it still does.
 */
export function createJournal(options: JournalOptions): Journal {
  const { db, run, steps } = options;
  const byKey = new Map(steps.filter((step) => step.runId === run.id).map((step) => [step.key, step]));

  async function begin(kind: StepKind, key: string, input: unknown, step: StepOptions): Promise<StepRecord> {
    const announce = step.announce ?? [];
    const begun = await db.transaction().execute(async (tx) => {
      await holdRun(tx, run);
      const begun = await beginStep(tx, run, { kind, key, input, readOnly: step.readOnly ?? false });
      await markRead(tx, step.reads ?? [], begun.id);
      await addActivities(tx, stageOf(begun), `${run.number}/${key}/begun`, announce);
      return begun;
    });
    if (announce.length > 0) options.wakePost();
    return begun;
  }

  async function complete(step: StepRecord, result: unknown, recorded: Recorded): Promise<void> {
    const where = { sessionId: run.sessionId, runId: run.id, stepId: step.id, key: step.key };
    const causes = `${run.number}/${step.key}`;
    await db.transaction().execute(async (tx) => {
      await holdRun(tx, run);
      await completeStep(tx, step.id, result);
      await addUsage(tx, where, recorded.usage);
      await addEvidence(tx, where, recorded.evidence, recorded.contents);
      for (const [index, plan] of recorded.plans.entries())
        await savePlan(tx, stageOf(step), `${causes}/${index}`, plan);
      await addActivities(tx, stageOf(step), causes, recorded.activities);
    });
    if (recorded.activities.length + recorded.plans.length > 0) options.wakePost();
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
      if (kind === 'model') options.beforeModel?.();
      if (writes) await options.beforeWrite?.();
      const begun = await begin(kind, key, input, stepOptions);
      if (kind === 'model') options.modelAsked?.();
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
        usage: [],
      };
      // As it will be read back: a run that goes on and one that was resumed must see the same.
      const result = JSON.parse(JSON.stringify((await work(recorderOf(recorded), begun.input as never)) ?? null));
      await complete(begun, result, recorded);
      record.completed = true;
      record.result = result;
      if (writes) options.afterWrite?.(record);
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
    usage: (usage) => void recorded.usage.push(usage),
  };
}
