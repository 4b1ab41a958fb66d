import type { Heard } from '../../src/agents/agent.ts';
import type { Activity } from '../../src/core/activity.ts';
import type { Evidence } from '../../src/core/evidence.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { Prompt } from '../../src/core/prompt.ts';
import { type Journal, RunLost, type StepRecord, type StepScope } from '../../src/core/step.ts';

/** What outlives a worker: all that a journal has committed. */
export interface Ledger {
  steps: StepRecord[];
  activities: Activity[];
  plans: Plan[];
  evidence: Evidence[];
  usage: unknown[];
  prompts: (Prompt & { readBy: string | null })[];
  /** The attempt that holds each run. */
  attempts: Map<string, number>;
}

export function createLedger(): Ledger {
  return { steps: [], activities: [], plans: [], evidence: [], usage: [], prompts: [], attempts: new Map() };
}

export type Moment = 'beforeBegin' | 'begun' | 'worked' | 'completed';

/** Stands for the end of the worker's process: nothing after it is committed. */
export class Killed extends Error {}

export interface MemoryJournalOptions {
  runId?: string;
  /** Answers true where the worker is to be killed. */
  kill?(moment: Moment, key: string): boolean;
}

/** The journal's contract in memory, for one attempt of a run. What it keeps goes through JSON, as in a database. */
export function createMemoryJournal(ledger: Ledger, options: MemoryJournalOptions = {}): Journal {
  const { runId = 'run-1', kill = () => false } = options;
  const attempt = (ledger.attempts.get(runId) ?? 0) + 1;
  ledger.attempts.set(runId, attempt);
  let dead = false;

  function pass(moment: Moment, key: string): void {
    if (!dead && kill(moment, key)) dead = true;
    if (dead) throw new Killed(`killed: ${moment} ${key}`);
  }
  function hold(): void {
    if (ledger.attempts.get(runId) !== attempt) throw new RunLost(runId);
  }

  return {
    runId,
    history: () => ledger.steps,
    async step(kind, key, input, work, { readOnly = false, announce = [], reads = [] } = {}) {
      let step = ledger.steps.find((each) => each.runId === runId && each.key === key);
      if (step?.completed) return step.result as never;
      pass('beforeBegin', key);
      hold();
      if (!step) {
        const seq = ledger.steps.length + 1;
        step = {
          id: `step-${seq}`,
          runId,
          seq,
          kind,
          key,
          readOnly,
          input: copy(input),
          result: null,
          completed: false,
        };
        ledger.steps.push(step);
      }
      for (const prompt of ledger.prompts) if (reads.includes(prompt.id)) prompt.readBy ??= step.id;
      ledger.activities.push(...announce);
      pass('begun', key);
      const recorded = {
        activities: [] as Activity[],
        plans: [] as Plan[],
        evidence: [] as Evidence[],
        usage: [] as unknown[],
      };
      const scope: StepScope = {
        report: (activity) => void recorded.activities.push(activity),
        plan: (plan) => void recorded.plans.push(plan),
        evidence: (evidence) => void recorded.evidence.push(evidence),
        rating: () => {},
        usage: (usage) => void recorded.usage.push(usage),
      };
      const result = copy(await work(scope, step.input as never));
      pass('worked', key);
      hold();
      step.result = result;
      step.completed = true;
      ledger.activities.push(...recorded.activities);
      ledger.plans.push(...recorded.plans);
      ledger.evidence.push(...recorded.evidence);
      ledger.usage.push(...recorded.usage);
      pass('completed', key);
      return result as never;
    },
  };
}

/** What nobody has read yet. */
export function takePrompts(ledger: Ledger): { take(): Promise<Heard> } {
  return {
    take: async () => ({
      prompts: ledger.prompts.flatMap(({ readBy, ...prompt }) => (readBy === null ? [prompt] : [])),
      notes: [],
    }),
  };
}

export function addPrompt(ledger: Ledger, body: string, name = 'Ada'): void {
  const seq = ledger.prompts.length + 1;
  const author = { id: name.toLowerCase(), name, isBot: false };
  ledger.prompts.push({
    id: `prompt-${seq}`,
    seq,
    author,
    body,
    signal: null,
    at: '2026-01-01T00:00:00Z',
    readBy: null,
  });
}

function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value ?? null));
}
