import { interruptedText, saysUndone } from '../core/interruption.ts';
import type { StepRecord } from '../core/step.ts';
import type { ToolResult } from '../core/tool.ts';
import type { Sandbox } from '../sandboxes/sandbox.ts';
import type { ClaimedRun } from '../store/runs.ts';
import { holdRun } from '../store/runs.ts';
import {
  latestSnapshot,
  placeOfWorkspace,
  placeWorkspace,
  type SnapshotRow,
  saveSnapshot,
} from '../store/snapshots.ts';
import { replaceResults } from '../store/steps.ts';
import type { Baseline } from '../verification/baseline.ts';
import type { Workspace } from '../workspaces/workspaces.ts';
import { carryOver, noteOfNewRequest } from './follow-up.ts';
import { noteOfHandover, takeHandover } from './handover.ts';
import type { Pinned, Prepared } from './prepare.ts';
import { noteOfTakenIn } from './pushed-by-others.ts';
import { noteOfRebase } from './rebase.ts';
import type { RunDeps } from './run.ts';

/** The session's workspace as a run uses it: taken beside the first model call, and kept in step with the journal. */
export interface Workbench {
  workspace: Promise<Workspace>;
  /** Waits for the workspace on first use. */
  sandbox: Sandbox;
  /** Of the last snapshot. */
  tree(): string | null;
  /** What tools are made with. */
  toolHost: { sandbox: Sandbox; dir: string; outputDir: string };
  /** What the base's own checks say; taken beside the first turns. */
  baseline: Promise<Baseline>;
  /** What the model must be told of a take-over. */
  notes: string[];
  /** The model is at work on the first reply: time to fetch what is new, and to take the workspace. */
  modelAsked(): void;
  /** A writing step has completed. */
  touched(stepSeq: number): void;
  /** Begins a snapshot when something may have changed; runs beside the model call. */
  checkpoint(): void;
  /** Waits for the one under way. */
  settled(): Promise<void>;
  /** A snapshot of the workspace as it is now, stored. */
  snapshotNow(): Promise<SnapshotRow>;
  /** Like `snapshotNow`, but quiet when nothing changed since the last. */
  checkpointNow(): Promise<void>;
  /** As `checkpointNow`, for a run that was stopped or failed: in a time of its own, and never throws. */
  save(): Promise<void>;
  close(): Promise<void>;
}

const saveWithinMs = 30_000;

export async function openWorkbench(
  deps: RunDeps,
  run: ClaimedRun,
  prepared: Prepared,
  steps: readonly StepRecord[],
  signal: AbortSignal,
): Promise<Workbench> {
  const notes = [
    ...noteOfNewRequest(prepared, run, steps),
    ...(await noteOfTakenIn(deps, run, steps)),
    ...(await noteOfRebase(deps, run, steps)),
  ];
  const wanted = Promise.withResolvers<void>();
  let touchedSeq: number | null = null;
  const taken = wanted.promise.then(async () => {
    const { workspace, unsaved } = await take(deps, run, prepared, steps, notes, signal);
    touchedSeq = unsaved;
    return workspace;
  });
  taken.catch(() => {}); // whoever needs it first hears of it
  // Who only rates a ticket changes nothing that could be compared with it.
  const baseline =
    run.purpose === 'scope'
      ? new Promise<never>(() => {})
      : taken.then(() => prepared.pinned()).then((pinned) => deps.baselines.take(prepared.repository, pinned, signal));
  baseline.catch(() => {});
  // Only a fresh session may start before its workspace is there: everyone else may have to be told something first.
  if (steps.length > 0 || prepared.handover) {
    wanted.resolve();
    await taken;
    if (prepared.handover) notes.push(...(await noteOfHandover(deps, run, prepared, steps)));
  }

  let underWay: Promise<unknown> = Promise.resolve();
  let last: SnapshotRow | null = null;

  async function snapshotNow(within = signal): Promise<SnapshotRow> {
    const workspace = await taken;
    const stepSeq = touchedSeq ?? last?.stepSeq ?? steps.at(-1)?.seq ?? 0;
    const touched = touchedSeq;
    touchedSeq = null;
    last = await store(workspace, stepSeq, within).catch((error: unknown) => {
      touchedSeq ??= touched; // what was interrupted is still to be saved
      throw error;
    });
    return last;
  }

  async function store(workspace: Workspace, stepSeq: number, within: AbortSignal): Promise<SnapshotRow> {
    const made = await workspace.snapshot(within);
    deps.failpoint('snapshot/taken');
    const kept = await deps.workspaces.keep(run.sessionId, made);
    const row = {
      base: kept.base,
      commit: kept.commit,
      tree: kept.tree,
      bundle: kept.bundle,
      path: kept.path,
      stepSeq,
    };
    const id = await deps.db.transaction().execute(async (tx) => {
      await holdRun(tx, run);
      return saveSnapshot(tx, { sessionId: run.sessionId, runId: run.id }, { ...row, bytes: made.bytes });
    });
    deps.failpoint('snapshot/stored');
    return { ...row, id };
  }

  const sandbox: Sandbox = {
    exec: async (argv, options) => (await taken).sandbox.exec(argv, options),
    spawn: async (argv) => (await taken).sandbox.spawn(argv),
    close: async () => {},
  };
  return {
    workspace: taken,
    sandbox,
    tree: () => last?.tree ?? null,
    toolHost: { sandbox, dir: deps.workspaces.dirOf(run.sessionId), outputDir: '/tmp/shipmate-output' },
    baseline,
    notes,
    modelAsked: () => wanted.resolve(),
    touched: (stepSeq) => {
      touchedSeq = stepSeq;
    },
    checkpoint() {
      if (touchedSeq === null) return;
      underWay = snapshotNow();
      underWay.catch(() => {});
    },
    async settled() {
      await underWay;
    },
    async snapshotNow() {
      await underWay.catch(() => {});
      return snapshotNow();
    },
    async checkpointNow() {
      await underWay.catch(() => {});
      if (touchedSeq !== null) await snapshotNow();
    },
    async save() {
      await underWay.catch(() => {});
      if (touchedSeq === null) return;
      await snapshotNow(AbortSignal.timeout(saveWithinMs)).catch((error: unknown) =>
        deps.log.warn({ err: error }, 'the last changes of a run could not be saved; they are only in its workspace'),
      );
    },
    async close() {
      wanted.reject(new Error('the run ended before it needed a workspace'));
      await underWay.catch(() => {});
      await taken.then((workspace) => workspace.close()).catch(() => {});
    },
  };
}

async function take(
  deps: RunDeps,
  run: ClaimedRun,
  prepared: Prepared,
  steps: readonly StepRecord[],
  notes: string[],
  signal: AbortSignal,
): Promise<{ workspace: Workspace; unsaved: number | null }> {
  const pinned: Pinned = await prepared.pinned();
  const request = {
    sessionId: run.sessionId,
    repository: prepared.repository,
    base: pinned.commit,
    setup: pinned.facts.setup,
  };
  const writes = steps.filter((step) => step.kind === 'tool' && !step.readOnly);
  const interrupted = writes.some((step) => !step.completed && step.runId === run.id);
  const [snapshot, last, place] = await Promise.all([
    latestSnapshot(deps.db, run.sessionId),
    placeOfWorkspace(deps.db, run.sessionId),
    deps.workspaces.place(),
  ]);
  const unsaved = writes.filter(
    (step) => step.completed && step.seq > (snapshot?.stepSeq ?? 0) && !saysUndone(step.result as ToolResult),
  );
  const isHandedOver = prepared.handover?.runId === null;
  if (steps.length > 0 && !interrupted && !isHandedOver && (last.place ?? place) === place) {
    const same = await deps.workspaces.reopen({ ...request, tree: last.tree }, signal);
    if (same) return { workspace: same, unsaved: unsaved.at(-1)?.seq ?? null };
  }
  if (steps.length > 0) await undo(deps, run, unsaved, steps.at(-1)?.seq ?? 0);
  await takeHandover(deps, run, prepared, steps);
  const newest = isHandedOver ? await latestSnapshot(deps.db, run.sessionId) : snapshot;
  const isMoved = newest !== null && newest.base !== pinned.commit;
  if (isMoved) notes.push(...(await carryOver(deps, run, prepared, newest, pinned, signal)));
  const restore = isMoved ? await latestSnapshot(deps.db, run.sessionId) : newest;
  const confirm = async () => void (await deps.db.transaction().execute((tx) => holdRun(tx, run)));
  const workspace = await deps.workspaces.take({ ...request, restore, confirm }, signal);
  await deps.db.transaction().execute(async (tx) => {
    await placeWorkspace(tx, run.sessionId, place, workspace.tree);
    await holdRun(tx, run);
  });
  if (interrupted || unsaved.length > 0 || steps.some((step) => step.runId === run.id))
    notes.push(
      'The work was interrupted, and the workspace was restored. Calls that this undid say so in their results; ' +
        'beside them, files that git ignores may be missing.',
    );
  return { workspace, unsaved: null };
}

/** Nobody's disk counts any more, and the model will read of each call whose changes no snapshot has that they are gone. */
async function undo(deps: RunDeps, run: ClaimedRun, unsaved: StepRecord[], newest: number): Promise<void> {
  const result: ToolResult = { text: interruptedText, isError: true, undoneAt: newest };
  await deps.db.transaction().execute(async (tx) => {
    await placeWorkspace(tx, run.sessionId, 'nowhere');
    await holdRun(tx, run);
    await replaceResults(
      tx,
      unsaved.map((step) => step.id),
      result,
    );
  });
  for (const step of unsaved) step.result = result;
}
