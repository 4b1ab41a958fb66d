import type { Outcome } from '../core/outcome.ts';
import type { Part } from '../core/proposal.ts';
import { wantsApproval } from '../core/scope.ts';
import type { Ticket } from '../core/ticket.ts';
import type { FieldNames } from '../core/ticket-facts.ts';
import type { Tx } from '../store/database.ts';
import type { ClaimedRun } from '../store/runs.ts';
import type { SessionRow } from '../store/sessions.ts';
import { type CarryOut, judgeNow } from './approval.ts';
import type { Beginning } from './before-work.ts';
import { failed } from './find-repository.ts';
import type { NotPrepared } from './prepare.ts';
import type { RunDeps } from './run.ts';

/** Files the parts of an approved split, once however often it is called, and says how the run ends: it waits for them. */
export type FileParts = (
  tx: Tx,
  approved: {
    run: ClaimedRun;
    session: SessionRow;
    ticket: Ticket;
    fields: FieldNames;
    proposalId: string;
    parts: Part[];
  },
) => Promise<Outcome>;

/** While people have not approved what was proposed, nothing is fetched and no model is asked. */
export async function awaitApproval({ deps, run, session, ticket, facts }: Beginning): Promise<NotPrepared | null> {
  const carryOut = createCarryOut(deps, { run, session, ticket });
  const standing = await judgeNow(deps.db, run, approversOf(deps), carryOut);
  if (standing?.ending) return { outcome: standing.ending, heard: standing.words };
  const isPossible = standing?.state === 'approved' || !wantsApproval(ticket, facts, deps.policy);
  if (isPossible || !deps.policy.tools.deny.includes('scope')) return null;
  return failed(
    'This ticket wants its plan approved before work begins, but `scope`, which proposes one, is switched off here (`policy.tools.deny`).',
    'Take `scope` off that list, or the wish for an approval off the ticket; then say "continue".',
  );
}

export function approversOf({ policy, name }: { policy: { approval: { by: string[] } }; name: string }) {
  return { by: policy.approval.by, agent: name };
}

/** What the service does of a proposal once it is approved. */
export function createCarryOut(
  deps: Pick<RunDeps, 'fields' | 'fileParts'>,
  at: { run: ClaimedRun; session: SessionRow; ticket: Ticket },
): CarryOut {
  return async (tx, { id, content }) => {
    switch (content.kind) {
      case 'plan':
        return null; // the agent's own work
      case 'split':
        return (
          (await deps.fileParts?.(tx, { ...at, fields: deps.fields, proposalId: id, parts: content.parts })) ?? null
        );
      default: {
        const never: never = content;
        throw new Error(`a proposal of a kind that nobody carries out: ${JSON.stringify(never)}`);
      }
    }
  };
}
